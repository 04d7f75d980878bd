// Result files: JSON and CSV, complete and valid after every record.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/output_file.hpp"
#include "results/writing_budget.hpp"
#include "run/sink.hpp"

namespace flashcore {

// A file that grows by one entry at a time and is rewritten whole, so that readers never see half a file.
//
// It is rewritten after an entry if the WritingBudget allows it. Other entries wait for the next rewrite, for
// flush() or for the destructor; only a kill that cannot be caught loses them.
class GrowingFile {
 public:
  // A new file has no entry yet; an earlier file is replaced by the first entry. A stream is written to by flush() or
  // the destructor, once. Throws as OutputFile does.
  GrowingFile(const OutputTarget& target, FileKind kind, std::string head, std::string separator,
              std::string tail);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  void append(std::string_view entry);  // throws EnvironmentError if writing fails; the entry is kept
  // Entries, with separators, that stand behind the others for now. They take the place of those with the same key.
  void set_preview(std::size_t key, std::string entries);
  void flush();  // writes waiting entries; the file exists afterwards, even without entries
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void write_if_allowed();
  void write();

  std::string head_;
  std::string body_;
  std::map<std::size_t, std::string> previews_;
  std::string separator_;
  std::string tail_;
  OutputFile file_;
  bool written_ = false;  // the file holds all of body_ and previews_
  WritingBudget budget_;
};

// A result file, results/result_file.hpp. Each record is serialised once.
class JsonSink : public Sink {
 public:
  JsonSink(const OutputTarget& target, const Json& environment, const Json& config);
  void add(const Record& record) override;
  void preview(std::size_t problem, std::span<const Record> records) override;
  void finish() override { file_.flush(); }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  GrowingFile file_;
};

// Rows of records, results/csv.hpp.
class CsvSink : public Sink {
 public:
  explicit CsvSink(const OutputTarget& target);
  void add(const Record& record) override;
  void preview(std::size_t problem, std::span<const Record> records) override;
  void finish() override { file_.flush(); }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  GrowingFile file_;
};

}  // namespace flashcore
