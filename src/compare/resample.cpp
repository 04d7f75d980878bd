#include "compare/resample.hpp"

#include <algorithm>
#include <cmath>
#include <random>

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
  std::mt19937_64 random(kBootstrapSeed);
  std::vector<double> drawn(samples.size());
  double sum = 0;
  double squares = 0;
  const double center = std::log(samples.front());
  for (int i = 0; i < kBootstrapReplicates; ++i) {
    // The distributions of <random> differ between standard libraries; a remainder does not.
    for (double& value : drawn) value = samples[random() % samples.size()];
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
