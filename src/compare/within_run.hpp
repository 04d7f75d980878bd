// Two rows of one run against each other.
#pragma once

#include "compare/comparison.hpp"
#include "record/record.hpp"

namespace flashcore {

// The time of `next` over the time of `base`, in the first mode that both have, with the interval in which 95 % of other
// runs find it. The rows took turns, so that noise common to the rows of a run does not count. Throws UsageError if one
// of them was not timed, or not in the way of the other (Record::direct_calls).
Ratio ratio_within_run(const Record& base, const Record& next);

}  // namespace flashcore
