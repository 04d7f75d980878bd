// The options by which commands choose a config and change it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "config/plan.hpp"

namespace flashcore {

inline constexpr int kWidthWithoutTerminal = 120;

struct PlanOptions {
  std::string config = "default";
  Overrides overrides;
  bool dry_run = false;
  bool in_process = false;
};

// --config, --device, --variants, --problem, --seed, --dry-run.
void add_plan_options(CLI::App& app, PlanOptions& options);

// --timeout, --in-process.
void add_isolation_options(CLI::App& app, PlanOptions& options);

}  // namespace flashcore
