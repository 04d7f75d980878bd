#include "compare/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "compare/rule.hpp"
#include "measure/statistics.hpp"

namespace flashcore {
namespace {

// The median of values in any order. Changes their order.
double middle(std::vector<double>& values) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  if (values.size() % 2 == 1) return *half;
  return 0.5 * (*half + *std::max_element(values.begin(), half));
}

// Which of `count` samples each replicate draws: the same for every row, and drawn once per thread.
const std::vector<std::uint32_t>& draws(std::size_t count) {
  thread_local std::map<std::size_t, std::vector<std::uint32_t>> known;
  std::vector<std::uint32_t>& places = known[count];
  if (!places.empty()) return places;
  std::mt19937_64 random(kBootstrapSeed);
  places.resize(kBootstrapReplicates * count);
  // The distributions of <random> differ between standard libraries; a remainder does not.
  for (std::uint32_t& place : places) place = static_cast<std::uint32_t>(random() % count);
  return places;
}

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
  auto place = draws(samples.size()).begin();
  std::vector<double> drawn(samples.size());
  double sum = 0;
  double squares = 0;
  const double center = std::log(samples.front());
  for (int i = 0; i < kBootstrapReplicates; ++i) {
    for (double& value : drawn) value = samples[*place++];
    const double log_median = std::log(middle(drawn)) - center;
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
