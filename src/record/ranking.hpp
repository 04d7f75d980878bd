// Groups of records and their order: problems, baselines, the fastest record.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "record/record.hpp"

namespace flashcore {

// Right and timed: only such records are a baseline or the best.
bool is_timed(const Record& record);

// The first timed record whose id matches the glob (an empty glob matches all), or null.
const Record* find_baseline(std::span<const Record> records, std::string_view glob);

// The same, or the first timed record if none matches.
const Record* find_baseline_or_first(std::span<const Record> records, std::string_view glob);

// The "baseline" of a result file's config, a glob; empty without one.
std::string configured_baseline(const Json& config);

// The timed record with the smallest headline median, or null.
const Record* find_best(std::span<const Record> records);

// One group per problem; groups and their records are in the order of the input.
std::vector<std::vector<Record>> by_problem(std::vector<Record> records);

// True when the problem has a name other than describe() gives.
bool is_named(const Problem& problem);

}  // namespace flashcore
