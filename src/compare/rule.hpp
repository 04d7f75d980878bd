// The rule by which two results are compared, with all of its constants.
//
// What varies. Between two runs of the same code the logarithm of a row's median differs by three parts:
//   sampling   within a run; the samples show it, and the bootstrap takes its standard error s
//   row        from run to run, each row for itself: placement in memory, order of blocks
//   common     from run to run, all rows alike: clock, temperature, another board of the same model
// The last two are larger than the first, and one run's samples know nothing of them: an interval from
// samples alone calls every second A/A pair a change. The log ratio of a row over k_base and k_new
// runs has the variance
//   s² = s_base² + s_new² + (row² + common²) · (1/k_base + 1/k_new)
// and its interval is log ratio ± z · s. `row` and `common` are a default for the row's size class, or what
// --calibrate measured on this machine, updated by the repeats when a side holds several runs of a row. When
// the rows of this very pair scatter more than `row` says, what they show is taken instead, up to a limit.
//
// What takes `common` out. Rows whose machine code is the same on both sides did not change, so they are
// `same` whatever their times say, and what they share is drift: with kFewestControls of them, their median
// log ratio is subtracted from all rows, and `common` leaves the variance.
//
// What is tested. Each row, each family with kFewestScopeRows rows, and all rows together (the median of
// their log ratios): a slow-down of 3 % in every row of a family is seen there when no single row shows it
// for certain. `slower` needs both an effect above the tolerance and an interval without 1. Files, not rows,
// are what people rerun, so the level is that of a whole file without any change: kSlowerLevel is shared out
// over the three kinds of test, and within a kind over its tests (Bonferroni).
//
// When nothing can be told. `unclear` is a slow-down that would pass at kUnclearLevel but not at
// kSlowerLevel; a row whose interval is so wide that an effect of kBlindEffect could hide in it; and a row
// with fewer than kFewestRunSamples samples in a run.
//
// Noise as measured on an H100 (medians of 15 graph replays, 16 repeats of each kernel): the largest and the
// smallest median of small problems are 1 to 3.6 % apart, those of problems that reach the power cap 3 to
// 11.5 %. The range of 16 normal values is 3.5 standard deviations. Two runs of one build in different
// sessions (results/h100/ladder.json and its predecessor) are 0.9 % apart in the median of their 144 rows,
// and the rows scatter around that by 0.5 %.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flashcore {

inline constexpr double kSmallestEffect = 0.02;  // of the ratio of medians, when no tolerance says otherwise
inline constexpr double kBlindEffect = 0.15;     // a row that could hide as much is unclear

// Probability that a file without any change is called slower (one-sided), and unclear.
inline constexpr double kSlowerLevel = 0.002;
inline constexpr double kUnclearLevel = 0.05;
inline constexpr double kAllRowsShare = 0.4;  // of the level, for the test of all rows together
inline constexpr double kFamiliesShare = 0.3;
inline constexpr double kRowsShare = 0.3;

inline constexpr std::size_t kFewestRunSamples = 5;    // in a run, for its median to count
inline constexpr std::size_t kFewestScopeRows = 3;     // for a family to be judged as a whole
inline constexpr std::size_t kFewestControls = 10;     // rows of unchanged code, to take drift out
inline constexpr std::size_t kFewestScatterRows = 12;  // for the scatter of a pair's rows to be taken
inline constexpr double kMostScatter = 3;  // times the stated noise: more is a change of some rows, not noise

inline constexpr int kBootstrapReplicates = 200;  // of a median; the standard error is then known to 5 %
inline constexpr std::uint64_t kBootstrapSeed = 1;
inline constexpr double kPriorRuns = 3;  // what a stated noise weighs beside noise seen in repeats
inline constexpr std::int64_t kMinCalibrationRuns = 4;  // with fewer, the default outweighs what was measured
inline constexpr double kCalibratedShare = 0.95;  // of the rows scatter less than a calibrated `row` says

inline constexpr double kSmallProblemUs = 20;   // below: launches and latencies make the time
inline constexpr double kLargeProblemUs = 500;  // above: dense work reaches the power cap of an H100

// Differences of environment that are said first.
inline constexpr double kClockDifference =
    0.02;  // of the SM clock that telemetry read, or from the card's highest

}  // namespace flashcore
