#include "fuzz/readers.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "compare/noise_file.hpp"
#include "compare/policy_file.hpp"
#include "config/plan.hpp"
#include "config/problem_reader.hpp"
#include "results/csv.hpp"
#include "results/record_json.hpp"
#include "results/result_file.hpp"
#include "trace/recorded_calls.hpp"
#include "trace/safetensors.hpp"
#include "trace/scheduler.hpp"
#include "tune/journal.hpp"
#include "tune/tuned_table.hpp"
#include "worker/protocol.hpp"

namespace flashcore::fuzz {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

template <class Read>
void unless_refused(Read read) {
  try {
    read();
  } catch (const UsageError& error) {
    require(error.what()[0] != '\0', "a refusal without a word");
  }
}

// Writers replace invalid UTF-8 in names.
std::vector<Problem> without_names(std::vector<Problem> problems) {
  for (Problem& problem : problems) problem.name.clear();
  return problems;
}

void check_plan(const Plan& plan) {
  require(!plan.problems.empty(), "a plan without a problem");
  require(plan.problems.size() == plan.problem_places.size(), "a problem without a place");
  const Plan again = make_plan(JsonDocument(json_text(plan.config), "again"), plan.name);
  require(without_names(again.problems) == without_names(plan.problems),
          "a plan's own config makes other problems");
}

}  // namespace

void read_config(std::string_view text) {
  unless_refused([&] { check_plan(make_plan(JsonDocument(text, "config"), "fuzz")); });
}

void read_result_file(std::string_view text) {
  unless_refused([&] {
    const ResultFile results = parse_results(text, "results");
    std::string written = results_head(results.environment, results.config);
    for (const Record& record : results.records) {
      require(!csv_row(record).empty(), "a record without a row");
      if (&record != &results.records.front()) written += kRecordSeparator;
      written += record_line(record);
    }
    written += kResultsTail;
    const ResultFile again = parse_results(written, "again");
    require(again.records.size() == results.records.size(), "records were lost");
    for (std::size_t i = 0; i < again.records.size(); ++i) {
      require(record_line(again.records[i]) == record_line(results.records[i]),
              "a record reads back changed");
    }
  });
}

void read_problem_flag(std::string_view text) {
  unless_refused([&] {
    JsonDocument document("{}", "flag");
    document.set("/problems", problem_from_flag(text), "--problem");
    check_plan(make_plan(document, "fuzz"));
  });
}

void read_tuned_table(std::string_view text) {
  unless_refused([&] {
    const TunedTable table = parse_tuned_table(text, "table");
    TunedTable merged;
    add_entries(merged, table.entries);
    const std::size_t count = merged.entries.size();
    add_entries(merged, table.entries);
    require(merged.entries.size() == count, "merging a table a second time adds to it");
  });
}

void read_journal(std::string_view text) {
  unless_refused([&] {
    const Journal journal = parse_journal(text, "journal");
    require(journal.whole_bytes <= static_cast<std::int64_t>(text.size()), "more whole bytes than bytes");
    require(tuned_table(journal).entries.size() <= journal.entries.size(), "decisions without records");
  });
}

void read_gate(std::string_view text) {
  unless_refused([&] {
    const JsonDocument document(text, "gate");
    ComparePolicy policy;
    policy_from_json(JsonReader(document), policy);
  });
}

void read_noise(std::string_view text) {
  unless_refused([&] {
    const JsonDocument document(text, "noise");
    require(noise_from_json(JsonReader(document)).runs > 0, "noise of no run");
  });
}

void read_worker(std::string_view text) {
  unless_refused([&] {
    const JsonDocument document(text, "worker");
    const JsonReader root(document);
    unless_refused([&] { hello_from_json(root); });
    unless_refused([&] { inspection_from_json(root); });
    unless_refused([&] { sample_from_json(root); });
    unless_refused([&] { check_policy_from_json(root); });
    unless_refused([&] { failure_from_json(root); });
  });
}

void read_calls_file(std::string_view text) {
  const std::size_t end = std::min(text.find("\n\n"), text.size());
  const std::string_view tensors = text.substr(std::min(end + 2, text.size()));
  unless_refused([&] {
    const std::vector<RecordedCall> calls =
        parse_calls(text.substr(0, end), "calls", [&](const std::string& path, const std::string& key) {
          return safetensors_integers(tensors, key, path);
        });
    std::size_t kept = 0;
    for (const EqualCalls& equal : merge_equal(calls)) {
      require(equal.lengths.q.size() == equal.lengths.kv.size(), "lengths of different numbers");
      kept += equal.numbers.size();
    }
    require(kept == calls.size(), "calls were lost");
  });
}

void read_trace(std::string_view text) {
  constexpr std::int64_t kBudget = 100;
  unless_refused([&] {
    RequestTrace trace = parse_requests(text, "trace");
    const bool by_ids = trace.has_blocks;
    Scheduler scheduler(std::move(trace),
                        {.token_budget = kBudget, .max_sequences = 8, .chunk = 64, .hits_by_ids = by_ids},
                        "trace");
    for (int step = 0; step < 100; ++step) {
      const std::optional<Lengths> call = scheduler.next();
      if (!call) break;
      std::int64_t queries = 0;
      for (const std::int32_t q : call->q) queries += q;
      require(queries >= 1 && queries <= kBudget, "a step outside of its budget");
    }
  });
}

}  // namespace flashcore::fuzz
