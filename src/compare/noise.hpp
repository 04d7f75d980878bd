// How much the medians of unchanged code differ between runs, by size class; see compare/rule.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record/record.hpp"

namespace flashcore {

// By the base's median: small below kSmallProblemUs, large from kLargeProblemUs on; capped when most samples
// were taken while power or temperature held the clocks down, whatever the size.
enum class SizeClass : int { small, medium, large, capped };
inline constexpr std::string_view kSizeClassWords[] = {"small", "medium", "large", "capped"};
constexpr Words words(SizeClass) { return kSizeClassWords; }

SizeClass size_class(const Timing& timing);

// Standard deviations of the logarithm of a median between runs.
struct Spread {
  double row = 0;     // each row for itself
  double common = 0;  // all rows of a run alike
};

struct NoiseModel {
  std::array<Spread, std::size(kSizeClassWords)> spreads;
  std::string source = "default";  // where the figures are from, for reports

  Spread& of(SizeClass size) { return spreads[static_cast<std::size_t>(size)]; }
  const Spread& of(SizeClass size) const { return spreads[static_cast<std::size_t>(size)]; }
};

// For a machine of which nothing is known.
NoiseModel default_noise(Backend backend);

// One row over the runs of one side.
struct RepeatedRow {
  struct Run {
    std::size_t run;  // the same number for all rows of a run
    double log_median;
  };
  SizeClass size = SizeClass::small;
  double sampling_variance = 0;  // mean over its runs, of the logarithm of the median
  std::vector<Run> runs;

  double mean_log_median() const;
  // Of the runs' distances from their mean: the sum of squares, and how many of them are free.
  double squares() const;
  double freedom() const { return runs.empty() ? 0.0 : static_cast<double>(runs.size() - 1); }
};

// Gathers repeats, one or more sides, and updates a noise model by them.
class NoiseEstimate {
 public:
  // Rows with fewer than two runs say nothing.
  void add_side(std::span<const RepeatedRow> rows);

  // Variances pooled with those of `prior`, which count as kPriorRuns runs each.
  NoiseModel updated(const NoiseModel& prior) const;

  // For comparing with single runs, which say nothing of their own scatter: as updated(), but `row` is what
  // nearly all rows (kCalibratedShare) stay below, where the class has enough of them.
  NoiseModel calibrated(const NoiseModel& prior) const;

  bool empty() const;

 private:
  struct Sums {
    double row_squares = 0;
    double row_freedom = 0;
    double sampling = 0;  // Σ sampling variance · freedom
    double common_squares = 0;
    double common_freedom = 0;
    std::vector<double> row_variances;  // of each row by itself
  };
  void add_class(std::span<const RepeatedRow* const> rows, Sums& sums) const;

  std::array<Sums, std::size(kSizeClassWords)> sums_;
};

}  // namespace flashcore
