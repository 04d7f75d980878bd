// The probabilities P of a kernel, read from its outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "diagnose/probe_runner.hpp"

namespace flashcore {

struct Probabilities {
  std::int64_t rows = 0;
  std::int64_t keys = 0;
  std::vector<float> got, wanted;  // [rows, keys]
  double limit = 0;                // an element with a larger difference is wrong
  bool right = true;
  bool finite = true;

  double row_sum(std::int64_t row) const;
};

// Reads P in blocks of head_dim keys, with one launch per block. V is one-hot in the block, so that O is this
// block of P. The problem must have one batch and one head. V of `inputs` is replaced.
Probabilities read_probabilities(const ProbeRunner& runner, const Problem& problem, ChosenInputs inputs);

// The least-squares line of log(got) over log(wanted) within rows: its slope, and the correlation. Both are 0
// if fewer than half of the elements are positive and finite, or if one of the logarithms is constant within
// all rows.
struct LogFit {
  double slope = 0;
  double correlation = 0;
};
LogFit fit_logarithms(const Probabilities& p);

ErrorMap map_of_probabilities(const Probabilities& p);
std::optional<BadElement> first_bad_probability(const Probabilities& p);

}  // namespace flashcore
