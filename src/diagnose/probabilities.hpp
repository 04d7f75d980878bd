// P as a kernel has it, read from its outputs.
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
  double limit = 0;                // from what difference on an element counts as wrong
  bool right = true;
  bool finite = true;

  double row_sum(std::int64_t row) const;
};

// Launches once a block of head_dim keys with V one-hot in it, so that O is that block of P. The problem has
// one batch and one head; V of the inputs is replaced.
Probabilities read_probabilities(const ProbeRunner& runner, const Problem& problem, ChosenInputs inputs);

// How log(got) follows log(wanted) within rows: the slope of the least-squares line and the correlation. Both
// are 0 when fewer than half of the elements are positive.
struct LogFit {
  double slope = 0;
  double correlation = 0;
};
LogFit fit_logarithms(const Probabilities& p);

ErrorMap map_of_probabilities(const Probabilities& p);
std::optional<BadElement> first_bad_probability(const Probabilities& p);

}  // namespace flashcore
