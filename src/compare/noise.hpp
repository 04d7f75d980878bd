// The noise of medians of unchanged code between runs, per class of rows; see compare/rule.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure/run_noise.hpp"

namespace flashcore {

struct NoiseModel {
  std::array<Spread, std::size(kNoiseClassWords)> spreads;
  std::string source = "default";  // for reports

  Spread& of(NoiseClass kind) { return spreads[static_cast<std::size_t>(kind)]; }
  const Spread& of(NoiseClass kind) const { return spreads[static_cast<std::size_t>(kind)]; }
};

// For a machine that was not calibrated.
NoiseModel default_noise(Backend backend);

// One row over the runs of one side.
struct RepeatedRow {
  struct Run {
    std::size_t run;  // the same number for all rows of a run
    double log_median;
  };
  NoiseClass noise_class = NoiseClass::small;
  double sampling_variance = 0;  // mean over its runs, of the logarithm of the median
  double host_noise = 0;         // the largest of its records (measure/run_noise.hpp)
  std::vector<Run> runs;

  double mean_log_median() const;
  // Of the runs' distances from their mean.
  double sum_of_squares() const;
  double degrees_of_freedom() const { return runs.empty() ? 0.0 : static_cast<double>(runs.size() - 1); }
};

// Estimates noise from the repeats of one or more sides.
class NoiseEstimate {
 public:
  // Rows with fewer than two runs do not count.
  void add_side(std::span<const RepeatedRow> rows);

  // The variances, pooled with the variances of `prior`, which count as kPriorRuns runs each.
  NoiseModel updated(const NoiseModel& prior) const;

  // For comparisons of single runs, which do not show their own scatter. Like updated(), but if a class has
  // enough rows, its `row` is at least the scatter that kCalibratedShare of the rows stay below.
  NoiseModel calibrated(const NoiseModel& prior) const;

  bool empty() const;

 private:
  struct Sums {
    double row_squares = 0;
    double row_freedom = 0;
    double sampling = 0;  // Σ sampling variance · freedom
    double common_squares = 0;
    double common_freedom = 0;
    std::vector<double> row_variances;  // one per row
  };
  void add_class(std::span<const RepeatedRow* const> rows, Sums& sums) const;

  std::array<Sums, std::size(kNoiseClassWords)> sums_;
};

}  // namespace flashcore
