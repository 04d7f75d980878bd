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

namespace {

// The place of each record's problem among the problems, which are in their order of appearance.
std::vector<std::size_t> groups_of(std::span<const Record> records) {
  std::vector<std::size_t> places;
  std::vector<const Problem*> problems;
  // Problems of one id may differ in their names, so one id may have several groups.
  std::unordered_map<std::string, std::vector<std::size_t>> groups_of_id;
  for (const Record& record : records) {
    std::vector<std::size_t>& candidates = groups_of_id[problem_id(record.problem)];
    const auto found = std::ranges::find_if(
        candidates, [&](std::size_t group) { return *problems[group] == record.problem; });
    places.push_back(found != candidates.end() ? *found : problems.size());
    if (found != candidates.end()) continue;
    candidates.push_back(problems.size());
    problems.push_back(&record.problem);
  }
  return places;
}

}  // namespace

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

std::vector<const Record*> best_of_families(std::span<const Record> records) {
  std::vector<const Record*> best;
  for (const Record& record : records) {
    if (!is_timed(record)) continue;
    const auto rival = std::ranges::find(best, record.family, &Record::family);
    if (rival == best.end()) {
      best.push_back(&record);
    } else if (record.headline()->median < (*rival)->headline()->median) {
      *rival = &record;
    }
  }
  return best;
}

std::vector<std::vector<Record>> by_problem(std::vector<Record> records) {
  const std::vector<std::size_t> places = groups_of(records);
  std::vector<std::vector<Record>> groups;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (places[i] == groups.size()) groups.emplace_back();
    groups[places[i]].push_back(std::move(records[i]));
  }
  return groups;
}

ProblemGroups::ProblemGroups(std::span<const Record> records) {
  const std::vector<std::size_t> places = groups_of(records);
  if (!std::ranges::is_sorted(places)) {
    copies_ = by_problem({records.begin(), records.end()});
    groups_.assign(copies_.begin(), copies_.end());
    return;
  }
  for (std::size_t begin = 0; begin < records.size();) {
    const auto end = std::ranges::upper_bound(places, places[begin]) - places.begin();
    groups_.push_back(records.subspan(begin, static_cast<std::size_t>(end) - begin));
    begin = static_cast<std::size_t>(end);
  }
}

bool is_named(const Problem& problem) { return !problem.name.empty() && problem.name != problem_id(problem); }

}  // namespace flashcore
