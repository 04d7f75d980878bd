// What the variant "auto" of a plan stands for on a device.
#pragma once

#include <string>
#include <vector>

#include "config/plan.hpp"
#include "execute/executor.hpp"
#include "run/run.hpp"

namespace flashcore {

// One for each problem of the plan, by its tuned table (tune/dispatch.hpp); none when the plan does not name
// auto. Warns of entries that do not hold here. Throws UsageError when nothing can run a problem.
std::vector<Pick> auto_picks(const Plan& plan, const Executor& executor);

// A line a problem; empty without picks.
std::string picks_text(const Plan& plan, const std::vector<Pick>& picks);

}  // namespace flashcore
