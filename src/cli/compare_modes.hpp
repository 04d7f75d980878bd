// Modes of compare that run kernels; each has a flag.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "compare/comparison.hpp"
#include "compare/policy.hpp"
#include "config/plan.hpp"
#include "execute/executor.hpp"
#include "render/progress.hpp"

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

// Compares the plan's variants on two executors of one device, in pairs.
Comparison compare_executors(Executor& base, Executor& next, const Plan& plan,
                             std::span<const Variant* const> variants, const ComparePolicy& policy,
                             ProgressLine& progress);

// Compares an older build of this program with this one, in pairs; --live.
Comparison compare_builds(const std::string& old_program, const Plan& plan, const ComparePolicy& policy,
                          const Session& session);

// Of --bisect.
struct BisectOptions {
  std::vector<std::string> commits;  // good and bad
  std::string build;                 // a command of the shell, run in the folder of a commit's tree
  std::string built;                 // what it builds, in that folder: a program or a plug-in
};

// Finds the first commit between two, along first parents, that makes a row slower, and prints it.
ExitCode bisect(const BisectOptions& options, const CompareRunOptions& to_run, const ComparePolicy& policy,
                bool json, Session session);

}  // namespace flashcore
