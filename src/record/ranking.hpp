// Groups records by problem, and finds the baseline and the fastest record of a problem.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "record/record.hpp"

namespace flashcore {

// True if the record is correct and timed.
bool is_timed(const Record& record);

// True if it is timed as the others of its device are. Only such a record can be a baseline or the best.
bool is_ranked(const Record& record);

// The first ranked record whose variant id matches the glob, or null. An empty glob matches every record.
const Record* find_baseline(std::span<const Record> records, std::string_view glob);

// The same, but falls back to the first ranked record.
const Record* find_baseline_or_first(std::span<const Record> records, std::string_view glob);

// The value of "baseline" in a result file's config; empty if there is none.
std::string configured_baseline(const Json& config);

// The ranked record with the smallest headline median, or null.
const Record* find_best(std::span<const Record> records);

// The fastest timed record of each family, in the order of the records.
std::vector<const Record*> best_of_families(std::span<const Record> records);

// Groups the records by problem. Groups and records keep their order of appearance.
std::vector<std::vector<Record>> by_problem(std::vector<Record> records);

// The same groups of records that stay where they are and outlive this. Only if those of a problem are not next to each
// other, the records are copied.
class ProblemGroups {
 public:
  explicit ProblemGroups(std::span<const Record> records);

  auto begin() const { return groups_.begin(); }
  auto end() const { return groups_.end(); }
  std::size_t size() const { return groups_.size(); }
  std::span<const Record> operator[](std::size_t group) const { return groups_[group]; }

 private:
  std::vector<std::vector<Record>> copies_;
  std::vector<std::span<const Record>> groups_;
};

// True if the problem has a name other than its id.
bool is_named(const Problem& problem);

}  // namespace flashcore
