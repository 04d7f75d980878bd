// The checks around timing: what is wrong is not timed, and what was timed is looked at again.
#pragma once

#include "execute/executor.hpp"
#include "measure/measure.hpp"
#include "record/record.hpp"
#include "run/run.hpp"

namespace flashcore {

// The check before timing on the prepared problem, with the repeats of a deep one but without its cases:
// fills in everything of a record but its timings. What goes wrong is its status.
void examine(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor);

// The check after timing, which a quick one leaves out; a candidate that fails it loses its times.
void reexamine(Candidate& candidate, const RunPolicy& policy, Executor& executor);

}  // namespace flashcore
