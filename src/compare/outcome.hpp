// Derives one outcome from the verdicts of rows.
#pragma once

#include "compare/comparison.hpp"

namespace flashcore {

// Sets whether the row fails, and the allowance that covers it.
void apply_policy(RowVerdict& row, const ComparePolicy& policy);

// Sets expired allowances, outcome and reasons from the verdicts of rows and scopes.
void set_outcome(Comparison& comparison, const ComparePolicy& policy);

}  // namespace flashcore
