// The policy of measuring: the config's `measure` block.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "base/words.hpp"
#include "record/timing_mode.hpp"

namespace flashcore {

// How samples follow each other.
//   sustained  back to back: large problems run at the clock that the card's power limit allows
//   burst      with pauses, so that the card stays cool and keeps its highest clock
enum class Pacing : int { sustained, burst };
inline constexpr std::string_view kPacingWords[] = {"sustained", "burst"};
constexpr Words words(Pacing) { return kPacingWords; }

inline std::vector<TimingMode> default_timing_modes() {
  std::vector<TimingMode> modes;
  for (const TimingMode mode : kAll<TimingMode>) {
    if (kTimingModes[static_cast<std::size_t>(mode)].by_default) modes.push_back(mode);
  }
  return modes;
}

// The clock of a card at its power limit moves around its mean within seconds; measure/NOTES.md has the figures of an
// H200. Fifteen blocks last long enough for medians to repeat.
inline constexpr double kBlockSeconds = 0.75;

// A card at its power limit also keeps a clock that differs by some percent for half a minute. A run of several problems
// therefore visits each of them so often, and takes a part of the blocks in each visit.
inline constexpr int kVisits = 3;

// Medians that differ by at most 15 % are near to each other: users compare them, so they leave the rounds together.
inline bool are_neighbours(double a_us, double b_us) {
  return std::abs(a_us - b_us) <= 0.15 * std::max(a_us, b_us);
}

struct MeasurePolicy {
  std::vector<TimingMode> modes = default_timing_modes();  // "clocks" in a config; empty: check only
  double relative_width =
      0.01;  // stop when the 95 % interval of the median is this narrow, relative to the median
  int min_samples = 15;
  int max_samples = 200;
  double budget_s = 60;  // measuring time of the whole run, shared by its problems
  Pacing pacing = Pacing::sustained;
  double warmup_s = 1;             // the maximum time per problem until clocks and power have settled
  double block_s = kBlockSeconds;  // of a sample while power or temperature holds the clocks down
  int repeats = 1;        // records per variant; two or more show how much times of the same code differ
  double timeout_s = 30;  // the maximum time of one check or sample of a variant in a worker process
  double energy_s = 0;    // back-to-back launches for the energy of each record; 0: not measured
};

}  // namespace flashcore
