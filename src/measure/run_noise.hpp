// How far medians of unchanged code differ between runs, per class of rows. Intervals and comparisons use it.
#pragma once

#include <string_view>

#include "base/words.hpp"
#include "record/record.hpp"

namespace flashcore {

inline constexpr double kSmallProblemUs = 20;   // below: launches and latencies dominate the time
inline constexpr double kLargeProblemUs = 500;  // above: dense work reaches the power cap of an H100

// A relative difference of SM clocks that matters: between two sides, or between a timing and the card's
// highest clock.
inline constexpr double kClockDifference = 0.02;

// The clocks of a card at its power limit move within seconds: shorter blocks are no mean of them.
inline constexpr double kAveragedSeconds = 3;

// The class of a row, by its median: small below kSmallProblemUs, large from kLargeProblemUs on. Rows of peers on a CUDA
// device are foreign: a library may choose another algorithm in each process. If power or temperature reduced the clocks
// during most samples, a row is averaged (or foreign) where samples are means of blocks of kAveragedSeconds in all, and
// capped where they are not.
// The order is from quiet to noisy.
enum class NoiseClass : int { small, medium, large, averaged, foreign, capped };
inline constexpr std::string_view kNoiseClassWords[] = {"small",    "medium",  "large",
                                                        "averaged", "foreign", "capped"};
constexpr Words words(NoiseClass) { return kNoiseClassWords; }

// Whether power or temperature reduced the clocks during most samples.
bool is_at_limit(const Timing& timing);

NoiseClass noise_class(const Record& record, const Timing& timing);

// Of the logarithm of a median.
struct Spread {
  double row = 0;     // standard deviation between runs of each row independently
  double common = 0;  // of all rows of a run equally
};

// For a machine that was not calibrated. Stated for the noisiest rows of a class on the noisiest card that was measured,
// because a comparison tests many rows.
Spread default_spread(Backend backend, NoiseClass kind);

// Half of the width of the interval around a median that holds the medians of other runs of a typical row with a
// probability of 95 %, as a fraction of the median, when the samples of a run do not scatter.
double between_runs(const Record& record, const Timing& timing);

// What other processes on the host add to both parts of a CPU row's Spread. 0 on CUDA devices, and where samples scatter
// as they do on a quiet host.
double host_noise(const Record& record, const Timing& timing);

// The same timing, with an interval that also covers what differs between runs, and what fewer than six samples miss.
Timing with_run_noise(const Record& record, Timing timing);

}  // namespace flashcore
