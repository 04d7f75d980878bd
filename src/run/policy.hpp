// The policy of a run: the config's `check` and `measure` blocks, and its seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/words.hpp"
#include "check/policy.hpp"
#include "measure/policy.hpp"

namespace flashcore {

// A property that a variant must have, or it is neither timed nor tuned.
enum class Requirement : int { batch_invariant };
inline constexpr std::string_view kRequirementWords[] = {"batch_invariant"};
constexpr Words words(Requirement) { return kRequirementWords; }

struct RunPolicy {
  bool check = true;
  CheckPolicy check_policy;
  MeasurePolicy measure;
  std::vector<Requirement> require;
  std::uint64_t seed = 0;

  bool requires_property(Requirement one) const { return std::ranges::count(require, one) > 0; }
};

}  // namespace flashcore
