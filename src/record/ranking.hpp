// What the reports say of the records of one problem: its sizes, the row that speed-ups are against, the
// best.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "record/record.hpp"

namespace flashcore {

// Right and timed: what speed-ups and bests are chosen from.
bool is_timed(const Record& record);

// The first timed record whose id matches the glob, an empty one matching all; null when none does.
const Record* find_baseline(std::span<const Record> records, std::string_view glob);

// The same, but the first timed record when the glob matches none.
const Record* find_baseline_or_first(std::span<const Record> records, std::string_view glob);

// The glob that a result file's config names as "baseline"; empty when it names none.
std::string configured_baseline(const Json& config);

// The timed record with the smallest headline median; null when none is timed.
const Record* find_best(std::span<const Record> records);

// The records problem by problem, both in the order of their first appearance.
std::vector<std::vector<Record>> by_problem(std::vector<Record> records);

// True when the problem's name says more than describe() of its sizes.
bool is_named(const Problem& problem);

}  // namespace flashcore
