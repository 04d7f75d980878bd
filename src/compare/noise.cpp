#include "compare/noise.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "compare/resample.hpp"
#include "compare/rule.hpp"
#include "measure/statistics.hpp"

namespace flashcore {
namespace {

double pooled(double prior, double squares, double freedom, double subtract) {
  const double seen = freedom > 0 ? std::max(0.0, squares / freedom - subtract) : 0;
  return std::sqrt((kPriorRuns * prior * prior + freedom * seen) / (kPriorRuns + freedom));
}

}  // namespace

NoiseModel default_noise(Backend backend) {
  NoiseModel model;
  for (const NoiseClass kind : kAll<NoiseClass>) model.of(kind) = default_spread(backend, kind);
  return model;
}

double RepeatedRow::mean_log_median() const {
  const double sum = std::accumulate(runs.begin(), runs.end(), 0.0,
                                     [](double total, const Run& run) { return total + run.log_median; });
  return sum / static_cast<double>(runs.size());
}

double RepeatedRow::sum_of_squares() const {
  const double mean = mean_log_median();
  return std::accumulate(runs.begin(), runs.end(), 0.0, [mean](double total, const Run& run) {
    return total + std::pow(run.log_median - mean, 2);
  });
}

void NoiseEstimate::add_side(std::span<const RepeatedRow> rows) {
  for (const NoiseClass kind : kAll<NoiseClass>) {
    std::vector<const RepeatedRow*> repeated;
    for (const RepeatedRow& row : rows) {
      if (row.noise_class == kind && row.runs.size() >= 2) repeated.push_back(&row);
    }
    if (!repeated.empty()) add_class(repeated, sums_[static_cast<std::size_t>(kind)]);
  }
}

// A run's offset is the median over rows of their distance from their own mean; the rest is row noise.
void NoiseEstimate::add_class(std::span<const RepeatedRow* const> rows, Sums& sums) const {
  std::map<std::size_t, std::vector<double>> distances;
  for (const RepeatedRow* row : rows) {
    const double mean = row->mean_log_median();
    for (const auto& run : row->runs) distances[run.run].push_back(run.log_median - mean);
  }
  std::map<std::size_t, double> offsets;
  for (auto& [run, values] : distances) offsets[run] = median_of(values);
  // With few rows, the offset includes part of the rows' own scatter, which then counts as common. That errs
  // towards wider intervals.
  for (const RepeatedRow* row : rows) {
    const double mean = row->mean_log_median();
    const double freedom = static_cast<double>(row->runs.size() - 1);
    double squares = 0;
    for (const auto& run : row->runs) squares += std::pow(run.log_median - mean - offsets[run.run], 2);
    sums.row_squares += squares;
    sums.row_freedom += freedom;
    sums.row_variances.push_back(std::max(0.0, squares / freedom - row->sampling_variance));
    sums.sampling += row->sampling_variance * freedom;
  }
  for (const auto& [run, offset] : offsets) sums.common_squares += offset * offset;
  sums.common_freedom += static_cast<double>(offsets.size() - 1);
}

NoiseModel NoiseEstimate::updated(const NoiseModel& prior) const {
  NoiseModel model = prior;
  for (const NoiseClass kind : kAll<NoiseClass>) {
    const Sums& sums = sums_[static_cast<std::size_t>(kind)];
    const double sampling = sums.row_freedom > 0 ? sums.sampling / sums.row_freedom : 0;
    Spread& spread = model.of(kind);
    spread.row = pooled(spread.row, sums.row_squares, sums.row_freedom, sampling);
    spread.common = pooled(spread.common, sums.common_squares, sums.common_freedom, 0);
  }
  return model;
}

NoiseModel NoiseEstimate::calibrated(const NoiseModel& prior) const {
  NoiseModel model = updated(prior);
  for (const NoiseClass kind : kAll<NoiseClass>) {
    std::vector<double> variances = sums_[static_cast<std::size_t>(kind)].row_variances;
    if (variances.size() < kMinScatterRows) continue;
    std::ranges::sort(variances);
    model.of(kind).row = std::max(model.of(kind).row, std::sqrt(quantile(variances, kCalibratedShare)));
  }
  return model;
}

bool NoiseEstimate::empty() const {
  return std::ranges::all_of(sums_, [](const Sums& sums) { return sums.row_freedom <= 0; });
}

}  // namespace flashcore
