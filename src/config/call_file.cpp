#include "config/call_file.hpp"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/json_fields.hpp"
#include "trace/recorded_calls.hpp"
#include "trace/requests.hpp"
#include "trace/scheduler.hpp"
#include "trace/trace_file.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxTokenBudget = std::int64_t{1} << 30;
constexpr std::int64_t kMaxRunning = std::int64_t{1} << 16;
constexpr std::int64_t kMaxSteps = std::int64_t{1} << 20;
constexpr std::string_view kHitsByIds = "hash_ids";

constexpr CallWords kLineWords = {"line", "lines", "call"};
constexpr CallWords kStepWords = {"step", "steps", "step"};

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

CallFile read_calls_value(const JsonReader& value, const fs::path& folder, std::size_t most) {
  static constexpr std::string_view kKeys[] = {"calls"};
  value.check_keys(kKeys);
  const JsonReader place = value["calls"];
  const fs::path path = path_of(place, folder);
  return {.calls = from_file(place, [&] { return read_calls(path, most); }),
          .words = kLineWords,
          .before = fmt::format("calls {}", path.filename().string()),
          .after = ""};
}

SchedulerPolicy read_scheduler(const JsonReader& reader) {
  reader.check_keys(kSchedulerKeys);
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

CallFile read_trace_value(const JsonReader& value, const fs::path& folder) {
  static constexpr std::string_view kKeys[] = {"trace", "scheduler", "steps", "first_step", "every"};
  value.check_keys(kKeys);
  const JsonReader place = value["trace"];
  const fs::path path = path_of(place, folder);
  const SchedulerPolicy policy = read_scheduler(require_field(value, "scheduler"));
  const Steps steps = read_steps(value);
  std::vector<RecordedCall> calls = from_file(place, [&] {
    Scheduler scheduler(parse_requests(read_trace_file(path), path.string()), policy, path.string());
    return take(scheduler, steps, path.string());
  });
  return {.calls = std::move(calls),
          .words = kStepWords,
          .before = fmt::format("trace {}", path.filename().string()),
          .after = fmt::format(", {}", scheduler_text(policy))};
}

}  // namespace

std::string CallFile::source_of(std::span<const std::int64_t> numbers) const {
  return fmt::format("{}, {} {}{}", before, numbers.size() == 1 ? words.one : words.several,
                     numbers_text(numbers), after);
}

CallFile read_call_file(const JsonReader& value, const fs::path& folder, std::size_t most) {
  return value.has("calls") ? read_calls_value(value, folder, most) : read_trace_value(value, folder);
}

bool holds_calls(const fs::path& path) {
  const std::string text = read_trace_file(path);
  TraceLines lines(text, path.string());
  const std::optional<TraceLine> first = lines.next();
  if (!first) throw UsageError(fmt::format("{}: is empty", path.string()));
  return first->text.starts_with('{') && first->text.find("\"input_length\"") == std::string_view::npos;
}

}  // namespace flashcore
