// A comparison on the terminal.
#pragma once

#include <string>

#include "compare/comparison.hpp"

namespace flashcore {

struct CompareTableOptions {
  bool color = false;
  bool all_rows = false;  // also those that are `same`
};

// Differences of environment first, then rows, families and the outcome with its reasons.
std::string compare_table(const Comparison& comparison, const CompareTableOptions& options);

}  // namespace flashcore
