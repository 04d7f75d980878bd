#include "results/result_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "base/parallel.hpp"
#include "base/schema_version.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

// Between the config and the first record.
static_assert(kRecordSeparator == ",\n");
constexpr std::string_view kRecordsBegin = ",\n\"records\":[\n";

Json object_or_empty(const JsonReader& root, std::string_view key) {
  const auto found = find_field(root, key);
  if (!found) return Json::object();
  if (!found->is_object()) found->fail("must be an object");
  return found->value();
}

// Everything but the records.
ResultFile results_without_records(const JsonReader& root) {
  check_schema_version(root);
  ResultFile results;
  results.environment = object_or_empty(root, "environment");
  results.config = object_or_empty(root, "config");
  return results;
}

// The parts of a text as results_head() and record_line() make it.
struct OwnForm {
  std::string head;  // an object
  std::vector<std::string_view> lines;
};

std::optional<OwnForm> own_form(std::string_view text) {
  const std::size_t begin = text.find(kRecordsBegin);
  if (begin == text.npos || !text.ends_with(kResultsTail)) return {};
  OwnForm form{.head = fmt::format("{}\n}}", text.substr(0, begin)), .lines = {}};
  text.remove_prefix(begin + kRecordsBegin.size());
  text.remove_suffix(std::min(text.size(), kResultsTail.size()));
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());  // no record has another line break
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!text.empty()) {
      if (!line.ends_with(',')) return {};
      line.remove_suffix(1);
    }
    form.lines.push_back(line);
  }
  return form;
}

// Throws what a line throws; its place is not that of the file.
std::vector<Record> parse_lines(std::span<const std::string_view> lines) {
  std::vector<Record> records(lines.size());
  parallel_for(lines.size(), [&](std::size_t i) {
    records[i] = record_from_json(JsonReader(JsonDocument(lines[i], "a record")));
  });
  return records;
}

// Files of this program are read record by record, by all cores. Empty for other texts and for those with an error.
std::optional<ResultFile> parse_own_form(std::string_view text) {
  const std::optional<OwnForm> form = own_form(text);
  if (!form) return {};
  try {
    const JsonDocument head(form->head, "the head");
    if (JsonReader(head).has("records")) return {};
    ResultFile results = results_without_records(JsonReader(head));
    results.records = parse_lines(form->lines);
    return results;
  } catch (const UsageError&) {
    return {};
  }
}

}  // namespace

ResultFile parse_results(std::string_view text, std::string_view file) {
  std::optional<ResultFile> own = parse_own_form(text);
  if (!own) return results_from(JsonDocument(text, std::string(file)));  // its errors know their place
  own->path = file;
  return *std::move(own);
}

ResultFile results_from(const JsonDocument& document) {
  const JsonReader root(document);
  ResultFile results = results_without_records(root);
  results.path = document.name();
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
  return fmt::format("{{\"schema_version\":{},\n\"environment\":{},\n\"config\":{}{}", kSchemaVersion,
                     json_text(environment), json_text(config), kRecordsBegin);
}

std::string record_line(const Record& record) { return json_text(to_json(record)); }

}  // namespace flashcore
