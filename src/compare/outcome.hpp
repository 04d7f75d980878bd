// From verdicts to one answer for the whole.
#pragma once

#include "compare/comparison.hpp"

namespace flashcore {

// Whether the row makes the whole fail, unless an allowance covers it.
void apply_policy(RowVerdict& row, const ComparePolicy& policy);

// Fills in expired allowances, outcome and reasons; rows and scopes have their verdicts.
void decide(Comparison& comparison, const ComparePolicy& policy);

}  // namespace flashcore
