// The policy of a run: the config's `check` and `measure` blocks, and its seed.
#pragma once

#include <cstdint>

#include "check/policy.hpp"
#include "measure/policy.hpp"

namespace flashcore {

struct RunPolicy {
  bool check = true;
  CheckPolicy check_policy;
  MeasurePolicy measure;
  std::uint64_t seed = 0;
};

}  // namespace flashcore
