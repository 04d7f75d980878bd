// Sums of times over problems that have weights: what all layers of a model, or all calls of a trace, take.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "record/record.hpp"

namespace flashcore {

struct WeightedTotal {
  std::string variant;  // its id; empty: this project's fastest of each problem
  bool is_peer = false;
  double seconds = 0;  // the sum of weight times headline median
};

class WeightedTotals {
 public:
  void add(std::span<const Record> records_of_one_problem);

  // Of this project's fastest variants and of each variant that was timed on all problems, the smallest first. Empty
  // unless there are two problems or more and a weight other than 1.
  std::vector<WeightedTotal> totals() const;
  std::size_t problems() const { return problems_; }

 private:
  struct Sum {
    WeightedTotal total;
    std::size_t problems = 0;
  };
  void count(const std::string& variant, bool is_peer, double seconds);

  std::map<std::string, Sum> sums_;  // by variant
  std::size_t problems_ = 0;
  bool has_weights_ = false;
};

}  // namespace flashcore
