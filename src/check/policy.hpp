// How a run checks: the config's `check` block.
#pragma once

#include "record/record.hpp"

namespace flashcore {

// A variant passes when max_abs and rel_l2 are at most unfused_factor times the errors of an unfused attention in the
// same dtype, plus a tiny floor; FlashAttention tests by the same rule.
struct CheckPolicy {
  CheckDepth depth = CheckDepth::standard;
  double unfused_factor = 2.0;  // "yardstick_factor" in configs
  double max_abs = 0;           // further fixed limits on top; 0: none
  double rel_l2 = 0;
};

}  // namespace flashcore
