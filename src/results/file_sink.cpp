#include "results/file_sink.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "results/csv.hpp"
#include "results/result_file.hpp"

namespace flashcore {

GrowingFile::GrowingFile(const OutputTarget& target, FileKind kind, std::string head, std::string separator,
                         std::string tail)
    : head_(std::move(head)),
      separator_(std::move(separator)),
      tail_(std::move(tail)),
      file_(target, kind, head_ + tail_) {}

GrowingFile::~GrowingFile() {
  if (written_ || (body_.empty() && previews_.empty())) return;
  try {
    write();
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
  }
}

void GrowingFile::append(std::string_view entry) {
  if (!body_.empty()) body_ += separator_;
  body_ += entry;
  write_if_allowed();
}

void GrowingFile::set_preview(std::size_t key, std::string entries) {
  if (entries.empty()) {
    if (previews_.erase(key) > 0) written_ = false;  // its entries follow
    return;
  }
  previews_[key] = std::move(entries);
  write_if_allowed();
}

void GrowingFile::write_if_allowed() {
  written_ = false;
  if (!file_.is_stream() && budget_.allows()) write();
}

void GrowingFile::flush() {
  if (!written_) write();
}

void GrowingFile::write() {
  std::string behind;
  for (const auto& [key, entries] : previews_) {
    if (!body_.empty() || !behind.empty()) behind += separator_;
    behind += entries;
  }
  budget_.spend_on([&] { file_.replace({head_, body_, behind, tail_}); });
  written_ = true;
}

namespace {

template <class Entry>
std::string joined(std::span<const Record> records, std::string_view separator, Entry entry) {
  std::string text;
  for (const Record& record : records) {
    if (!text.empty()) text += separator;
    text += entry(record);
  }
  return text;
}

}  // namespace

JsonSink::JsonSink(const OutputTarget& target, const Json& environment, const Json& config)
    : file_(target, FileKind::results, results_head(environment, config), std::string(kRecordSeparator),
            std::string(kResultsTail)) {}

void JsonSink::add(const Record& record) { file_.append(record_line(record)); }

void JsonSink::preview(std::size_t problem, std::span<const Record> records) {
  file_.set_preview(problem, joined(records, kRecordSeparator, record_line));
}

CsvSink::CsvSink(const OutputTarget& target) : file_(target, FileKind::csv, csv_header(), "", "") {}

void CsvSink::preview(std::size_t problem, std::span<const Record> records) {
  file_.set_preview(problem, joined(records, "", csv_row));
}

void CsvSink::add(const Record& record) { file_.append(csv_row(record)); }

}  // namespace flashcore
