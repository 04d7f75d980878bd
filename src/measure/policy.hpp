// How a run measures: the config's `measure` block.
#pragma once

#include <string_view>
#include <vector>

#include "base/words.hpp"
#include "record/timing_mode.hpp"

namespace flashcore {

// How samples follow each other.
//   sustained  back to back: large problems run at whatever clock the card's power limit leaves
//   burst      with pauses in between, so that the card stays cool and holds its highest clock
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

struct MeasurePolicy {
  std::vector<TimingMode> modes = default_timing_modes();  // "clocks" in a config; empty: check only
  double relative_width =
      0.01;  // stop when the 95 % interval of the median is this narrow, relative to the median
  int min_samples = 15;
  int max_samples = 200;
  double budget_s = 60;  // measuring time of the whole run, shared out over its problems
  Pacing pacing = Pacing::sustained;
  double warmup_s = 1;  // the most that waiting for clocks and power to settle may take, each problem
  int repeats = 1;      // records of each variant: with more than one, what the same code differs by is seen
  double timeout_s = 30;  // the most that one check or sample of a variant may take, in a worker process
  double energy_s = 0;    // back-to-back launches that each record's energy is taken over; 0: not taken
};

}  // namespace flashcore
