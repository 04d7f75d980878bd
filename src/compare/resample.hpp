// Statistics of comparisons, in addition to measure/statistics.hpp.
#pragma once

#include <span>
#include <vector>

namespace flashcore {

// The middle value, or the mean of the two in the middle; sorts a copy. Throws std::invalid_argument without
// values.
double median_of(std::vector<double> values);

// 1.4826 times the median absolute deviation: the standard deviation of normal values, even if a minority of
// the values is not normal. Throws std::invalid_argument without values.
double robust_deviation(const std::vector<double>& values);

// Variance of the logarithm of the samples' median, by kBootstrapReplicates resamplings with replacement from
// kBootstrapSeed (Efron & Tibshirani, An Introduction to the Bootstrap, chapter 6). The samples are positive;
// the value is the same on every machine.
double bootstrap_log_median_variance(std::span<const double> samples);

// The z with P(normal > z) = level, 0 < level < 1.
double normal_quantile_above(double level);

}  // namespace flashcore
