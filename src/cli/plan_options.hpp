// The options that choose a config and override its keys.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "config/plan.hpp"

namespace flashcore {

inline constexpr int kWidthWithoutTerminal = 120;

// Groups of options in --help.
inline constexpr const char* kSelectionGroup = "Selection";
inline constexpr const char* kMeasureGroup = "Checks and timing";
inline constexpr const char* kOutputGroup = "Output";

struct PlanOptions {
  std::string config = "default";
  Overrides overrides;
  bool dry_run = false;
  bool json = false;
  bool in_process = false;
};

// Adds --config, --device, --variants, --problem, --seed and --dry-run.
void add_plan_options(CLI::App& app, PlanOptions& options);

// Adds --timeout, --threads and --in-process.
void add_isolation_options(CLI::App& app, PlanOptions& options);

}  // namespace flashcore
