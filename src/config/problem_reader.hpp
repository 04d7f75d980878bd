// Reads the `problems` block. An object stands for one problem, or for all combinations of its axes.
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
  std::string where;  // JSON pointer or flag of its object
};

// The keys of a problem object.
std::span<const std::string_view> problem_keys();

// Expands one or more problem objects. An array value is an axis; the last key of problem_keys() varies
// fastest. heads_kv, seq_kv and scale get their defaults after the expansion. The values of axes are appended
// to a given name. Throws UsageError for invalid problems, for equal names and for too many problems.
std::vector<PlannedProblem> read_problems(const JsonReader& problems);

// The problem object for "batch=1,seq_q=512:1024,dtype=bf16". Values separated by colons become an axis.
nlohmann::json problem_from_flag(std::string_view text);

}  // namespace flashcore
