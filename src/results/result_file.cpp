#include "results/result_file.hpp"

#include <fmt/format.h>

#include "base/input_file.hpp"
#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "base/schema_version.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

Json object_or_empty(const JsonReader& root, std::string_view key) {
  const auto found = find_field(root, key);
  if (!found) return Json::object();
  if (!found->is_object()) found->fail("must be an object");
  return found->value();
}

}  // namespace

ResultFile parse_results(std::string_view text, std::string_view file) {
  return results_from(JsonDocument(text, std::string(file)));
}

ResultFile results_from(const JsonDocument& document) {
  const JsonReader root(document);
  check_schema_version(root);
  ResultFile results;
  results.path = document.name();
  results.environment = object_or_empty(root, "environment");
  results.config = object_or_empty(root, "config");
  const std::vector<JsonReader> records = elements(require_field(root, "records"));
  results.records.reserve(records.size());
  for (const JsonReader& record : records) results.records.push_back(record_from_json(record));
  return results;
}

ResultFile read_results(const std::filesystem::path& path) {
  return parse_results(read_input(path), path.string());
}

std::string environment_text(const Json& environment, const char* pointer) {
  const Json::json_pointer place(pointer);
  if (!environment.contains(place)) return "";
  const Json& value = environment.at(place);
  return value.is_string() ? value.get<std::string>() : "";
}

std::string results_head(const Json& environment, const Json& config) {
  return fmt::format("{{\"schema_version\":{},\n\"environment\":{},\n\"config\":{},\n\"records\":[\n",
                     kSchemaVersion, json_text(environment), json_text(config));
}

std::string record_line(const Record& record) { return json_text(to_json(record)); }

}  // namespace flashcore
