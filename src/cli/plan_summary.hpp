// What the weighted problems of a plan stand for.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "config/plan.hpp"

namespace flashcore {

// Shares of the weighted sums over a plan's problems. The time is that of CallCost::seconds().
struct WeightShares {
  double calls = 0;
  double bytes = 0;
  double time = 0;
};

// One per problem; empty if all weights are 1.
std::vector<WeightShares> weight_shares(const Plan& plan);

// A table with a row per problem: its weight, its shares, and the source of its lengths. Empty if all weights are 1.
std::string weights_text(const Plan& plan);

Json to_json(const WeightShares& shares);

}  // namespace flashcore
