#include "measure/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"

namespace flashcore {
namespace {

constexpr double kTail = 0.025;  // of the binomial, on either side of a 95 % interval

}  // namespace

double quantile(std::span<const double> ascending, double p) {
  if (ascending.empty()) throw std::invalid_argument("quantile of no samples");
  const double position = p * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], position - static_cast<double>(below));
}

RankInterval median_interval_ranks(std::size_t n) {
  if (n == 0) throw std::invalid_argument("interval of no samples");
  // Logarithms, because 2^-n underflows for the sample counts that cheap kernels reach.
  double log_probability = -static_cast<double>(n) * std::log(2.0);  // of exactly `rank` samples below
  double cumulative = std::exp(log_probability);
  std::size_t rank = 0;
  for (std::size_t i = 0; i + 1 < n / 2; ++i) {
    log_probability += std::log(static_cast<double>(n - i) / static_cast<double>(i + 1));
    cumulative += std::exp(log_probability);
    if (cumulative > kTail) break;
    rank = i + 1;
  }
  return {.low = rank, .high = n - 1 - rank};
}

Timing make_timing(std::vector<double> samples) {
  if (samples.empty()) throw std::invalid_argument("timing of no samples");
  for (const double sample : samples) {
    if (!std::isfinite(sample)) throw EnvironmentError("the clock gave a time that is not a finite number");
  }
  std::vector<double> ascending = samples;
  std::sort(ascending.begin(), ascending.end());
  const RankInterval ranks = median_interval_ranks(ascending.size());
  return {.median = quantile(ascending, 0.5),
          .p10 = quantile(ascending, 0.1),
          .p90 = quantile(ascending, 0.9),
          .ci95_low = ascending[ranks.low],
          .ci95_high = ascending[ranks.high],
          .samples = std::move(samples)};
}

double relative_width(const Timing& timing) {
  if (!(timing.median > 0)) return std::numeric_limits<double>::infinity();
  return (timing.ci95_high - timing.ci95_low) / timing.median;
}

}  // namespace flashcore
