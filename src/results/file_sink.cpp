#include "results/file_sink.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "base/atomic_file.hpp"
#include "results/csv.hpp"
#include "results/result_file.hpp"

namespace flashcore {

GrowingFile::GrowingFile(std::filesystem::path path, std::string head, std::string tail)
    : path_(std::move(path)), head_(std::move(head)), tail_(std::move(tail)) {
  require_writable(path_);
}

GrowingFile::~GrowingFile() {
  if (written_ || body_.empty()) return;
  try {
    write();
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
  }
}

void GrowingFile::append(std::string_view entry) {
  body_ += entry;
  written_ = false;
  const auto elapsed = Clock::now() - opened_;
  const std::chrono::duration<double> allowed = kFreeWriting + kWritingShare * elapsed;
  if (spent_ <= allowed) write();
}

void GrowingFile::flush() {
  if (!written_) write();
}

void GrowingFile::write() {
  const auto begin = Clock::now();
  write_atomically(path_, {head_, body_, tail_});
  spent_ += Clock::now() - begin;
  written_ = true;
}

JsonSink::JsonSink(std::filesystem::path path, const Json& environment, const Json& config)
    : file_(std::move(path), results_head(environment, config), std::string(kResultsTail)) {}

void JsonSink::add(const Record& record) {
  std::string entry(file_.empty() ? "" : kRecordSeparator);
  entry += record_line(record);
  file_.append(entry);
}

CsvSink::CsvSink(std::filesystem::path path) : file_(std::move(path), csv_header(), "") {}

void CsvSink::add(const Record& record) { file_.append(csv_row(record)); }

}  // namespace flashcore
