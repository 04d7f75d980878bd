// The `problems` block: one object is one problem, or the product of its axes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attention/problem.hpp"
#include "base/json_document.hpp"

namespace flashcore {

struct PlannedProblem {
  Problem problem;
  std::string where;  // the JSON pointer or flag of the object it came from
};

// Keys of one problem object.
std::span<const std::string_view> problem_keys();

// Expands one or more problem objects. An array value is an axis; the last key of problem_keys() varies
// fastest. heads_kv, seq_kv and scale get their defaults after the expansion. Names are made unique by the
// values of the axes that vary. Throws UsageError for what validate() rejects, for equal names, and for too
// many problems.
std::vector<PlannedProblem> read_problems(const JsonReader& problems);

// "batch=1,seq_q=512:1024,dtype=bf16" as a problem object; values separated by colons become an axis.
nlohmann::json problem_from_flag(std::string_view text);

}  // namespace flashcore
