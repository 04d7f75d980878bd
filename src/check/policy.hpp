// The policy of checking: the config's `check` block.
#pragma once

#include "record/record.hpp"

namespace flashcore {

// A variant passes if max_abs and rel_l2 are at most unfused_factor times the errors of an unfused attention
// in the same dtype, plus a small floor. FlashAttention's tests use the same rule.
struct CheckPolicy {
  CheckDepth depth = CheckDepth::standard;
  double unfused_factor = 2.0;  // "yardstick_factor" in configs
  double max_abs = 0;           // additional fixed limits; 0: none
  double rel_l2 = 0;
};

}  // namespace flashcore
