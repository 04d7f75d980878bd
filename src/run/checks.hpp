// The checks before and after timing: a wrong variant is not timed, and a timed variant is checked again.
#pragma once

#include "execute/executor.hpp"
#include "record/record.hpp"
#include "run/policy.hpp"

namespace flashcore {

// Checks the variant on the prepared problem. A deep check includes its repeats here, but not its cases.
// Fills in all of the record except the timings. A failure becomes the record's status.
void check_before_timing(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor);

// Tests whether a variant that has passed is batch invariant, if the check is deep or the policy requires it, and labels
// the record. A variant that lacks a required property becomes unsupported.
void check_batch_invariance(Record& record, const Variant& variant, const RunPolicy& policy,
                            Executor& executor);

// Checks a timed variant again. Does nothing for a quick check, or if the record has no times. A record that
// fails loses its times.
void check_after_timing(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor);

}  // namespace flashcore
