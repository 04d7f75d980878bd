#include "results/result_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "base/schema_version.hpp"
#include "results/record_json.hpp"

namespace flashcore {
ResultFile parse_results(std::string_view text, std::string_view file) {
  const JsonDocument document(text, std::string(file));
  const JsonReader root(document);
  check_schema_version(root);
  ResultFile results;
  results.path = file;
  if (const auto environment = find_field(root, "environment")) results.environment = environment->value();
  if (const auto config = find_field(root, "config")) results.config = config->value();
  const std::vector<JsonReader> records = elements(require_field(root, "records"));
  results.records.reserve(records.size());
  for (const JsonReader& record : records) results.records.push_back(record_from_json(record));
  return results;
}

std::string read_text_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw UsageError(fmt::format("{}: cannot be opened: {}", path.string(), std::strerror(errno)));
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) throw UsageError(fmt::format("{}: cannot be read", path.string()));
  return text;
}

ResultFile read_results(const std::filesystem::path& path) {
  return parse_results(read_text_file(path), path.string());
}

std::string results_head(const Json& environment, const Json& config) {
  return fmt::format("{{\"schema_version\":{},\n\"environment\":{},\n\"config\":{},\n\"records\":[\n",
                     kSchemaVersion, json_text(environment), json_text(config));
}

std::string record_line(const Record& record) { return json_text(to_json(record)); }

}  // namespace flashcore
