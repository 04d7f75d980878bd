// What compare does beside comparing two results; each needs its own flag.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "compare/comparison.hpp"
#include "compare/history.hpp"
#include "compare/policy.hpp"
#include "config/plan.hpp"
#include "results/result_file.hpp"

namespace flashcore {

// What --calibrate and --live run.
struct CompareRunOptions {
  std::string config = "ci";
  Overrides overrides;
};

// Each file is a run.
Runs runs_of(const std::vector<ResultFile>& files);

// The noise file that --noise names (UsageError when it is another device's), else the one in its place, else
// nothing.
std::optional<NoiseModel> find_noise(const std::string& flag, const std::vector<ResultFile>& files);

// Estimates the noise of results that are there, or of `runs` runs of the plan made now, each in a
// process of its own, and writes it. Returns what was written, for a person.
std::string calibrate(const std::vector<std::string>& results, int runs, const CompareRunOptions& options,
                      const std::string& noise_flag, const ComparePolicy& policy, const Session& session);

// Pairs of an older build of this program, at the path, and this one; --live.
Comparison compare_builds(const std::string& old_program, const CompareRunOptions& options,
                          const ComparePolicy& policy, const Session& session);

// A line a row: its first and its newest time, a sparkline, and its steps.
std::string history_table(const History& history);

}  // namespace flashcore
