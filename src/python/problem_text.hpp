// Problems as JSON texts, the form in which they pass between C++ and Python.
#pragma once

#include <string>
#include <string_view>

#include "attention/problem.hpp"

namespace flashcore {

// The problems of one object, or of an array of objects, as in a config. Throws UsageError.
std::vector<Problem> read_problems(std::string_view json);

// The only problem. Throws UsageError if there are several.
Problem read_problem(std::string_view json);

// As in a record.
std::string problem_text(const Problem& problem);

// The problem that arguments pose, as far as they tell: all of it but its name, and of its layout only what the strides
// of Q show.
Problem problem_of(const AttentionArgs& args, Dtype dtype);

}  // namespace flashcore
