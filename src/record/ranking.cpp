#include "record/ranking.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "attention/problem_fields.hpp"
#include "base/names.hpp"

namespace flashcore {

bool is_timed(const Record& record) { return record.status == Status::ok && record.headline() != nullptr; }

bool is_ranked(const Record& record) { return is_timed(record) && record.direct_calls.empty(); }

const Record* find_baseline(std::span<const Record> records, std::string_view glob) {
  const auto found = std::ranges::find_if(records, [&](const Record& record) {
    return is_ranked(record) && (glob.empty() || glob_match(glob, record.variant_id()));
  });
  return found == records.end() ? nullptr : &*found;
}

const Record* find_baseline_or_first(std::span<const Record> records, std::string_view glob) {
  const Record* baseline = find_baseline(records, glob);
  return baseline != nullptr ? baseline : find_baseline(records, "");
}

std::string configured_baseline(const Json& config) {
  const auto found = config.find("baseline");
  return found != config.end() && found->is_string() ? found->get<std::string>() : "";
}

const Record* find_best(std::span<const Record> records) {
  const Record* best = nullptr;
  for (const Record& record : records) {
    if (!is_ranked(record)) continue;
    if (best == nullptr || record.headline()->median < best->headline()->median) best = &record;
  }
  return best;
}

std::vector<std::vector<Record>> by_problem(std::vector<Record> records) {
  std::vector<std::vector<Record>> groups;
  // Problems of one id may differ in their names, so one id may have several groups.
  std::unordered_map<std::string, std::vector<std::size_t>> groups_of_id;
  for (Record& record : records) {
    std::vector<std::size_t>& candidates = groups_of_id[problem_id(record.problem)];
    const auto found = std::ranges::find_if(
        candidates, [&](std::size_t group) { return groups[group].front().problem == record.problem; });
    if (found != candidates.end()) {
      groups[*found].push_back(std::move(record));
      continue;
    }
    candidates.push_back(groups.size());
    groups.emplace_back().push_back(std::move(record));
  }
  return groups;
}

bool is_named(const Problem& problem) { return !problem.name.empty() && problem.name != problem_id(problem); }

}  // namespace flashcore
