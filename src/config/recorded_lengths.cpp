#include "config/recorded_lengths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "config/call_file.hpp"
#include "trace/call.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The values of an axis for calls.
json axis_of(const CallFile& file) {
  json values = json::array();
  for (const EqualCalls& equal : merge_equal(file.calls)) {
    values.push_back({{"batch", lengths_text(equal.lengths)},
                      {"name", fmt::format("{}{:04}", file.words.name, equal.numbers.front())},
                      {"source", file.source_of(equal.numbers)}});
  }
  return values;
}

bool names_file(const JsonReader& value) {
  return value.is_object() && (value.has("calls") || value.has("trace"));
}

// The values of an axis with those of files in their places.
json with_files(const JsonReader& axis, const fs::path& folder) {
  json all = json::array();
  for (const JsonReader& value : axis.zero_or_more()) {
    if (!names_file(value)) {
      all.push_back(value.value());
      continue;
    }
    json calls = axis_of(read_call_file(value, folder, kMaxCalls));
    for (json& call : calls) all.push_back(std::move(call));
  }
  return all;
}

}  // namespace

void load_recorded_lengths(JsonDocument& document, const std::string& pointer) {
  const json::json_pointer place(pointer);
  if (!document.root().contains(place)) return;
  JsonReader problems(document);
  if (!pointer.empty()) problems = problems[place.back()];
  const fs::path folder = fs::path(document.name()).parent_path();
  // Replacing a value would end the life of its readers.
  std::vector<std::pair<std::string, json>> loaded;
  const std::vector<JsonReader> objects = problems.zero_or_more();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (!objects[i].is_object() || !objects[i].has("lengths")) continue;
    const JsonReader lengths = objects[i]["lengths"];
    if (std::ranges::none_of(lengths.zero_or_more(), names_file)) continue;
    const std::string index = problems.value().is_array() ? fmt::format("/{}", i) : "";
    loaded.emplace_back(fmt::format("{}{}/lengths", pointer, index), with_files(lengths, folder));
  }
  for (auto& [where, value] : loaded) document.set(where, std::move(value), document.where(where));
}

}  // namespace flashcore
