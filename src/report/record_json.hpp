// Records as JSON and back; configs/schema/result.schema.json describes the form.
//
// What was not taken is absent (a variant that was never timed has no "timing", a check without log-sum-exp
// no "lse_max_abs"); readers take null for absent. A number that is not finite is the string "nan", "inf" or
// "-inf", so that every file is strict JSON. Readers skip unknown fields.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.hpp"
#include "report/json.hpp"

namespace flashcore {

// One object of "records".
Json to_json(const Record& record);

// `file` and `pointer` say where the value stands and begin the message of the UsageError that a missing
// field, a wrong type or an unknown word gets: "base.json: /records/3/status: …".
Record record_from_json(const Json& value, std::string_view file, std::string_view pointer);

// A whole result file.
struct ResultFile {
  std::string path;
  Json environment = Json::object();
  Json config = Json::object();
  std::vector<Record> records;
};

// Throws UsageError when the text is not JSON, is cut off, or has another schema_version.
ResultFile parse_results(std::string_view text, std::string_view file);

// Throws UsageError as parse_results does, and when the file cannot be read.
ResultFile read_results(const std::filesystem::path& path);

// One record a line, so that files diff well.
std::string to_text(const ResultFile& results);

}  // namespace flashcore
