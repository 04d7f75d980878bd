// The Pareto set of time and energy: what no other is better than in both.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "measure/energy.hpp"

namespace flashcore {

struct TimeAndEnergy {
  double us = 0;
  EnergyEstimate energy;
};

// Indices in the order of time: the fastest, and each one that takes less energy than every faster one, beyond what
// are_tied() cannot tell apart.
std::vector<std::size_t> pareto_set(std::span<const TimeAndEnergy> points);

// The same of one problem's records that are ok and have a time in `mode` and energy. Empty if none has.
std::vector<std::size_t> pareto_set(std::span<const Record* const> records, TimingMode mode);

}  // namespace flashcore
