// Replaces the variant "auto" of a plan by the choices for a device.
#pragma once

#include <string>
#include <vector>

#include "config/plan.hpp"
#include "execute/executor.hpp"
#include "run/run.hpp"

namespace flashcore {

// One pick per problem of the plan, by its tuned table (tune/dispatch.hpp); empty if the plan has no "auto".
// Logs a warning for entries that are not used. Throws UsageError if no variant can run a problem.
std::vector<Pick> auto_picks(const Plan& plan, const Executor& executor);

// One line per problem; empty without picks.
std::string picks_text(const Plan& plan, const std::vector<Pick>& picks);

}  // namespace flashcore
