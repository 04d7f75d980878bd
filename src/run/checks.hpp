// The checks around timing: a wrong variant is not timed, and a timed one is checked again.
#pragma once

#include "execute/executor.hpp"
#include "record/record.hpp"
#include "run/policy.hpp"

namespace flashcore {

// On the prepared problem, with the repeats of a deep check but without its cases. Fills in everything of the record
// but its timings. A failure becomes the record's status.
void check_before_timing(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor);

// A quick check leaves it out, and so do records that are not timed. A record that fails it loses its times.
void check_after_timing(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor);

}  // namespace flashcore
