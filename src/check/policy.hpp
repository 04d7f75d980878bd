// How a run checks and measures; the config's `check` and `measure` blocks.
#pragma once

#include <string_view>
#include <vector>

#include "record/record.hpp"

namespace flashcore {

// A variant passes when max_abs and rel_l2 are at most yardstick_factor times those of the yardstick (an
// unfused attention in the same dtype) plus a tiny floor; FlashAttention tests by the same rule.
struct CheckPolicy {
  CheckDepth depth = CheckDepth::standard;
  double yardstick_factor = 2.0;
  double max_abs = 0;  // further fixed limits on top; 0: none
  double rel_l2 = 0;
};

// How samples follow each other.
//   sustained  back to back: large problems run at whatever clock the card's power limit leaves
//   burst      with pauses in between, so that the card stays cool and holds its highest clock
enum class Pacing : int { sustained, burst };

inline constexpr Pacing kAllPacings[] = {Pacing::sustained, Pacing::burst};

constexpr std::string_view to_string(Pacing pacing) {
  return pacing == Pacing::sustained ? "sustained" : "burst";
}

struct MeasurePolicy {
  std::vector<Clock> clocks = {Clock::hot, Clock::cold, Clock::call};  // empty: check only
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
