// The rule by which two results are compared, with all of its constants.
//
// Noise. Between two runs of the same code, the logarithm of a row's median differs by three parts:
//   sampling   within a run; the bootstrap gives its standard error s
//   row        between runs, for each row independently: placement in memory, order of blocks
//   common     between runs, for all rows equally: clock, temperature, another board of the same model
// `row` and `common` are larger than sampling, and the samples of one run do not show them: an interval from
// sampling only would call every second pair of equal runs a change. The log ratio of a row over k_base and
// k_new runs has the variance
//   s² = s_base² + s_new² + (row² + common²) · (1/k_base + 1/k_new)
// and the interval log ratio ± z · s. `row` and `common` are defaults of the row's class (compare/noise.hpp), or the values
// that compare --calibrate measured on this machine. Repeated runs update them. If the rows of the compared
// pair scatter more than `row`, their scatter replaces it, up to kMaxScatter times `row`.
//
// Drift. Rows whose machine code is equal on both sides did not change: they are `same`, and their common
// change is drift. If there are kMinControls such rows below the power limit, their median log ratio is subtracted from all
// rows there, and `common` leaves their variance; and likewise for the rows at the power limit.
//
// Tests. Each row is tested, each family with kMinScopeRows rows, and all rows together, by the median of
// their log ratios: a slow-down of 3 % in every row of a family can be significant for the family and for no
// single row. `slower` needs an effect above the tolerance and an interval that excludes 1. People rerun
// files, not rows. Therefore the level is the probability that a whole file fails without any change:
// kSlowerLevel is divided among the three kinds of test, and within a kind among its tests (Bonferroni).
//
// `unclear` is a slow-down that is significant at kUnclearLevel but not at kSlowerLevel; a row whose interval
// is so wide that it could hide an effect of kMaxHiddenEffect; and a row with fewer than kMinRunSamples
// samples in a run.
//
// The default noise was measured on an H100 (medians of 15 graph replays, 16 repeats of each kernel). The
// largest and the smallest median differ by 1 to 3.6 % for small problems, and by 3 to 11.5 % for problems
// that reach the power cap; the range of 16 normal values is 3.5 standard deviations. Two runs of one build
// in different sessions (results/h100/ladder.json and its predecessor) differ by 0.9 % in the median of their
// 144 rows, and the rows scatter around it by 0.5 %. On an H200 the medians
// of cuDNN's rows of about 10 us differ by 1.0 % between runs (root mean square of 11 rows in 4 runs), our own by 0.3 %.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flashcore {

inline constexpr double kSmallestEffect = 0.02;  // of the ratio of medians, unless a tolerance says otherwise
inline constexpr double kMaxHiddenEffect = 0.15;  // a row that could hide a larger one is unclear

// Probability that a file without any change is called slower (one-sided), and unclear.
inline constexpr double kSlowerLevel = 0.002;
inline constexpr double kUnclearLevel = 0.05;
inline constexpr double kAllRowsShare = 0.4;  // of the level, for the test of all rows together
inline constexpr double kFamiliesShare = 0.3;
inline constexpr double kRowsShare = 0.3;

inline constexpr std::size_t kMinRunSamples = 5;    // in a run, for its median to count
inline constexpr std::size_t kMinScopeRows = 3;     // for a family to be tested as a whole
inline constexpr std::size_t kMinControls = 10;     // rows of unchanged code, to subtract drift
inline constexpr std::size_t kMinScatterRows = 12;  // for the scatter of a pair's rows to be used
inline constexpr double kMaxScatter = 3;  // times the stated noise; more scatter means that some rows changed

inline constexpr int kBootstrapReplicates = 200;  // of a median; the standard error is then known to 5 %
inline constexpr std::uint64_t kBootstrapSeed = 1;
inline constexpr double kPriorRuns = 3;  // the weight of stated noise, in runs, against noise seen in repeats
inline constexpr std::int64_t kMinCalibrationRuns = 4;  // with fewer, the default outweighs the measurement
inline constexpr double kCalibratedShare = 0.95;        // of the rows scatter less than a calibrated `row`

// Variance of the median of normal values over the variance of their mean, for many values: π/2.
inline constexpr double kMedianOverMeanVariance = 1.571;

}  // namespace flashcore
