#include "config/recorded_lengths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "trace/call.hpp"
#include "trace/recorded_calls.hpp"
#include "trace/requests.hpp"
#include "trace/scheduler.hpp"
#include "trace/trace_file.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kMaxTokenBudget = std::int64_t{1} << 30;
constexpr std::int64_t kMaxRunning = std::int64_t{1} << 16;
constexpr std::int64_t kMaxSteps = std::int64_t{1} << 20;
constexpr std::string_view kHitsByIds = "hash_ids";

// Where a call is in its file: "line 7", or "lines 7, 12" of equal calls.
struct CallWords {
  std::string_view one;
  std::string_view several;
  std::string_view name;  // of calls, before their number
};
constexpr CallWords kLineWords = {"line", "lines", "call"};
constexpr CallWords kStepWords = {"step", "steps", "step"};

// The values of an axis for calls. `before` and `after` are the parts of the source around the place of the call.
json axis_of(std::span<const RecordedCall> calls, const CallWords& words, const std::string& before,
             const std::string& after) {
  json values = json::array();
  for (const EqualCalls& equal : merge_equal(calls)) {
    const bool is_one = equal.numbers.size() == 1;
    values.push_back({{"batch", lengths_text(equal.lengths)},
                      {"name", fmt::format("{}{:04}", words.name, equal.numbers.front())},
                      {"source", fmt::format("{}, {} {}{}", before, is_one ? words.one : words.several,
                                             numbers_text(equal.numbers), after)}});
  }
  return values;
}

// The path in a value, as it is opened.
fs::path path_of(const JsonReader& value, const fs::path& folder) {
  const std::string path = value.line();
  if (path.empty()) value.fail("must be the path of a file");
  return folder / path;
}

// Runs a function that reads a file; its errors name the file, and then also the place in the document.
template <class Read>
auto from_file(const JsonReader& place, Read read) {
  try {
    return read();
  } catch (const UsageError& error) {
    place.fail(error.what());
  }
}

json read_calls_value(const JsonReader& value, const fs::path& folder) {
  static constexpr std::string_view kKeys[] = {"calls"};
  value.check_keys(kKeys);
  const JsonReader place = value["calls"];
  const fs::path path = path_of(place, folder);
  const std::vector<RecordedCall> calls = from_file(place, [&] { return read_calls(path); });
  return axis_of(calls, kLineWords, fmt::format("calls {}", path.filename().string()), "");
}

SchedulerPolicy read_scheduler(const JsonReader& reader) {
  static constexpr std::string_view kKeys[] = {"token_budget", "max_sequences", "chunk", "prefix_hits",
                                               "seed"};
  reader.check_keys(kKeys);
  SchedulerPolicy policy;
  policy.token_budget = require_field(reader, "token_budget").integer(1, kMaxTokenBudget);
  policy.max_sequences = require_field(reader, "max_sequences").integer(1, kMaxRunning);
  if (reader.has("chunk")) policy.chunk = reader["chunk"].integer(0, kMaxTokenBudget);
  if (reader.has("prefix_hits")) {
    const JsonReader hits = reader["prefix_hits"];
    policy.hits_by_ids = hits.value() == kHitsByIds;
    if (!policy.hits_by_ids) {
      if (!hits.value().is_number()) hits.fail("must be a share from 0 to 1, or \"hash_ids\"");
      policy.prefix_hits = hits.number(0, 1);
    }
  }
  if (reader.has("seed")) {
    policy.seed =
        static_cast<std::uint64_t>(reader["seed"].integer(0, std::numeric_limits<std::int64_t>::max()));
  }
  return policy;
}

// The steps of a trace that become problems.
struct Steps {
  std::int64_t count = 0;
  std::int64_t first = 0;
  std::int64_t every = 1;
};

Steps read_steps(const JsonReader& value) {
  Steps steps;
  steps.count = require_field(value, "steps").integer(1, static_cast<std::int64_t>(kMaxCalls));
  if (value.has("first_step")) steps.first = value["first_step"].integer(0, kMaxSteps);
  if (value.has("every")) steps.every = value["every"].integer(1, kMaxSteps / steps.count);
  return steps;
}

// Fewer than steps.count calls if the trace ends before.
std::vector<RecordedCall> take(Scheduler& scheduler, const Steps& steps, const std::string& file) {
  std::vector<RecordedCall> calls;
  const std::int64_t end = steps.first + steps.count * steps.every;
  for (std::int64_t step = 0; step < end; ++step) {
    std::optional<Lengths> lengths = scheduler.next();
    if (!lengths) break;
    const bool is_taken = step >= steps.first && (step - steps.first) % steps.every == 0;
    if (is_taken) calls.push_back({step, *std::move(lengths)});
  }
  if (calls.empty()) throw UsageError(fmt::format("{}: its requests end before step {}", file, steps.first));
  return calls;
}

json read_trace_value(const JsonReader& value, const fs::path& folder) {
  static constexpr std::string_view kKeys[] = {"trace", "scheduler", "steps", "first_step", "every"};
  value.check_keys(kKeys);
  const JsonReader place = value["trace"];
  const fs::path path = path_of(place, folder);
  const SchedulerPolicy policy = read_scheduler(require_field(value, "scheduler"));
  const Steps steps = read_steps(value);
  const std::vector<RecordedCall> calls = from_file(place, [&] {
    Scheduler scheduler(parse_requests(read_trace_file(path), path.string()), policy, path.string());
    return take(scheduler, steps, path.string());
  });
  return axis_of(calls, kStepWords, fmt::format("trace {}", path.filename().string()),
                 fmt::format(", {}", scheduler_text(policy)));
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
    json calls = value.has("calls") ? read_calls_value(value, folder) : read_trace_value(value, folder);
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
