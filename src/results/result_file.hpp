// A whole result file: schema_version, environment, config, records.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "record/record.hpp"

namespace flashcore {

struct ResultFile {
  std::string path;
  Json environment = Json::object();
  Json config = Json::object();
  std::vector<Record> records;
};

// Throws UsageError, with the file and the place, when the text is not JSON or is cut off, has another
// schema_version, or holds a record that record_from_json refuses.
ResultFile parse_results(std::string_view text, std::string_view file);

// Throws UsageError as parse_results does, and when the file cannot be read.
ResultFile read_results(const std::filesystem::path& path);

// All of a file. Throws UsageError when it cannot be read.
std::string read_text_file(const std::filesystem::path& path);

// The text of a result file is results_head, then the records one a line, joined by kRecordSeparator, then
// kResultsTail: it diffs well and can be extended without serialising anything twice.
std::string results_head(const Json& environment, const Json& config);
std::string record_line(const Record& record);
inline constexpr std::string_view kRecordSeparator = ",\n";
inline constexpr std::string_view kResultsTail = "\n]}\n";

}  // namespace flashcore
