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

// A text of the environment by its JSON pointer; empty if there is none there.
std::string environment_text(const Json& environment, const char* pointer);

// Throws UsageError with the file and the place when the text is no complete JSON, has another schema_version, or has a
// record that record_from_json refuses.
ResultFile parse_results(std::string_view text, std::string_view file);

// The same of a document that is JSON already.
ResultFile results_from(const JsonDocument& document);

// Throws UsageError as parse_results does, and when the file cannot be read.
ResultFile read_results(const std::filesystem::path& path);

// The text of a result file is results_head, then one line per record, joined by kRecordSeparator, then kResultsTail.
// It diffs well and can be extended without serialising a record twice.
std::string results_head(const Json& environment, const Json& config);
std::string record_line(const Record& record);
inline constexpr std::string_view kRecordSeparator = ",\n";
inline constexpr std::string_view kResultsTail = "\n]}\n";

}  // namespace flashcore
