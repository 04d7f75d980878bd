// What the stopping rule asked for and a record did not reach.
#pragma once

#include <cstdint>

#include "base/json.hpp"
#include "measure/policy.hpp"
#include "record/record.hpp"

namespace flashcore {

struct Shortfall {
  bool few_samples = false;  // a timing in one of the policy's modes has fewer than min_samples
  bool wide = false;  // the samples of its headline leave the median an interval wider than relative_width
  bool at_limit = false;  // wide, and max_samples ends the rounds before it can be narrow: no budget helps

  bool any() const { return few_samples || wide; }
};

// Nothing falls short in a record that is not timed.
Shortfall shortfall(const Record& record, const MeasurePolicy& policy);

// How many samples the timing would have when the stopping rule ends it: at least min_samples, at most max_samples.
// Extrapolates from the samples that were taken.
std::int64_t needed_samples(const Timing& timing, const MeasurePolicy& policy);

// The stopping rule in a result file's config. What the config does not say, or says in another form, has the default.
MeasurePolicy configured_rule(const Json& config);

}  // namespace flashcore
