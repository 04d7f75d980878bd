#include "compare/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "compare/rule.hpp"
#include "measure/statistics.hpp"

namespace flashcore {
namespace {

// How often each replicate draws each of `count` samples: the same for every row, and drawn once per thread.
const std::vector<std::uint16_t>& draws(std::size_t count) {
  thread_local std::map<std::size_t, std::vector<std::uint16_t>> known;
  std::vector<std::uint16_t>& counts = known[count];
  if (!counts.empty()) return counts;
  std::mt19937_64 random(kBootstrapSeed);
  counts.resize(kBootstrapReplicates * count);
  for (std::size_t first = 0; first < counts.size(); first += count) {
    // The distributions of <random> differ between standard libraries; a remainder does not.
    for (std::size_t i = 0; i < count; ++i) ++counts[first + random() % count];
  }
  return counts;
}

// Medians of replicates of one row, found by counting along its sorted samples.
class Replicates {
 public:
  explicit Replicates(std::span<const double> samples)
      : order_(samples.size()), counts_(draws(samples.size())) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, {}, [&](std::size_t place) { return samples[place]; });
    for (const std::size_t place : order_) {
      sorted_.push_back(samples[place]);
      logs_.push_back(std::log(samples[place]));
    }
  }

  double log_median(int replicate) const {
    const std::size_t count = order_.size();
    const std::uint16_t* const drawn = &counts_[static_cast<std::size_t>(replicate) * count];
    const std::size_t half = count / 2;
    std::size_t rank = 0;
    std::size_t seen = drawn[order_[0]];
    const auto advance_beyond = [&](std::size_t position) {
      while (seen <= position) seen += drawn[order_[++rank]];
      return rank;
    };
    if (count % 2 == 1) return logs_[advance_beyond(half)];
    const std::size_t lower = advance_beyond(half - 1);
    const std::size_t upper = advance_beyond(half);
    return lower == upper ? logs_[upper] : std::log(0.5 * (sorted_[upper] + sorted_[lower]));
  }

 private:
  std::vector<std::size_t> order_;  // the places of the samples, by size
  std::vector<double> sorted_;
  std::vector<double> logs_;
  const std::vector<std::uint16_t>& counts_;
};

}  // namespace

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  return quantile(values, 0.5);
}

double robust_deviation(const std::vector<double>& values) {
  constexpr double kNormalOverMedianDistance = 1.4826;
  const double center = median_of(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - center));
  return kNormalOverMedianDistance * median_of(std::move(distances));
}

double bootstrap_log_median_variance(std::span<const double> samples) {
  const Replicates replicates(samples);
  double sum = 0;
  double squares = 0;
  const double center = std::log(samples.front());
  for (int i = 0; i < kBootstrapReplicates; ++i) {
    const double log_median = replicates.log_median(i) - center;
    sum += log_median;
    squares += log_median * log_median;
  }
  const double mean = sum / kBootstrapReplicates;
  return std::max(0.0, (squares - sum * mean) / (kBootstrapReplicates - 1));
}

double normal_quantile_above(double level) {
  double low = -40;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double z = 0.5 * (low + high);
    (0.5 * std::erfc(z / std::sqrt(2.0)) > level ? low : high) = z;
  }
  return high;
}

}  // namespace flashcore
