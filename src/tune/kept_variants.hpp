// The few variants that a table uses for problems that it was not tuned for.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace flashcore {

// Per dtype, head_dim and phase.
inline constexpr std::size_t kMostKeptVariants = 8;

// Medians that are nearer than this, as logarithms, count as equal, so that two tunes of one machine decide alike.
inline constexpr double kNoiseLog = 0.005;

// The times of all variants on one tuned problem.
struct VariantLosses {
  std::vector<double>
      log_times;  // per variant, over that of the fastest; infinity for one that was not timed
  double weight = 1;
};

// Indices of at most kMostKeptVariants variants, ascending. First the largest loss of the best of them on any problem is
// made small, then the weighted mean of the losses. Greedy set cover for the first, then steps that exchange one variant
// (Nemhauser, Wolsey, Fisher: "An analysis of approximations for maximizing submodular set functions", 1978). Of
// variants that cannot be told apart, the first is taken.
std::vector<std::size_t> keep_variants(std::span<const VariantLosses> problems);

}  // namespace flashcore
