// Order statistics of time samples. Nothing here assumes a distribution: run times have long right tails.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "record/record.hpp"

namespace flashcore {

// The p-quantile (0 ≤ p ≤ 1) of samples in ascending order: linear interpolation at position p·(n − 1), the
// definition 7 of Hyndman & Fan (1996), which NumPy and R use by default. Throws std::invalid_argument
// without samples.
double quantile(std::span<const double> ascending, double p);

// Positions (from 0) of the two order statistics that enclose the median.
struct RankInterval {
  std::size_t low;
  std::size_t high;
};

// The narrowest symmetric pair of ranks that holds the median of any continuous distribution with a
// probability of at least 95 %, by the exact binomial(n, 1/2) (Conover, Practical Nonparametric Statistics,
// section 3.2). With fewer than 6 samples no pair reaches 95 %: the pair is then the smallest and the largest
// sample, with a probability of 1 − 2^(1 − n): 93.75 % for 5 samples, 0 for one.
RankInterval median_interval_ranks(std::size_t n);

// The statistics of samples in microseconds, in the order in which they were taken. Throws
// std::invalid_argument without samples, and EnvironmentError if a sample is not finite.
Timing make_timing(std::vector<double> samples);

// (ci95_high − ci95_low) / median, the stopping criterion. Infinite if the median is not positive.
double relative_width(const Timing& timing);

}  // namespace flashcore
