// How a run checks: the config's `check` block.
#pragma once

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

}  // namespace flashcore
