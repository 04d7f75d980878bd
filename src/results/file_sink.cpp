#include "results/file_sink.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "results/csv.hpp"
#include "results/result_file.hpp"

namespace flashcore {

GrowingFile::GrowingFile(const OutputTarget& target, FileKind kind, std::string head, std::string tail)
    : head_(std::move(head)), tail_(std::move(tail)), file_(target, kind, head_ + tail_) {}

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
  if (!file_.is_stream() && budget_.allows()) write();
}

void GrowingFile::flush() {
  if (!written_) write();
}

void GrowingFile::write() {
  budget_.spend_on([this] { file_.replace({head_, body_, tail_}); });
  written_ = true;
}

JsonSink::JsonSink(const OutputTarget& target, const Json& environment, const Json& config)
    : file_(target, FileKind::results, results_head(environment, config), std::string(kResultsTail)) {}

void JsonSink::add(const Record& record) {
  std::string entry(file_.empty() ? "" : kRecordSeparator);
  entry += record_line(record);
  file_.append(entry);
}

CsvSink::CsvSink(const OutputTarget& target) : file_(target, FileKind::csv, csv_header(), "") {}

void CsvSink::add(const Record& record) { file_.append(csv_row(record)); }

}  // namespace flashcore
