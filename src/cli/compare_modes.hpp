// Modes of compare that run kernels; each has a flag.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "compare/comparison.hpp"
#include "compare/policy.hpp"
#include "config/plan.hpp"

namespace flashcore {

// Of --calibrate and --live.
struct CompareRunOptions {
  std::string config = "ci";
  Overrides overrides;
};

// Reads the config, and adds its plug-ins to the session. Throws UsageError.
Plan plan_of(const CompareRunOptions& options, Session& session);

// Estimates the noise of results that exist, or of `count` runs of the plan made now, and writes it to the policy's
// noise file. Returns a table of it.
std::string calibrate_machine(const std::vector<std::string>& results, int count,
                              const CompareRunOptions& options, const ComparePolicy& policy,
                              const Session& session);

// Compares an older build of this program with this one, in pairs; --live.
Comparison compare_builds(const std::string& old_program, const Plan& plan, const ComparePolicy& policy,
                          const Session& session);

}  // namespace flashcore
