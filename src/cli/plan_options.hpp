// The options that choose a config and override its keys.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "base/json_document.hpp"
#include "config/model_problems.hpp"
#include "config/plan.hpp"

namespace flashcore {

inline constexpr int kWidthWithoutTerminal = 120;

// Groups of options in --help.
inline constexpr const char* kSelectionGroup = "Selection";
inline constexpr const char* kMeasureGroup = "Checks and timing";
inline constexpr const char* kOutputGroup = "Output";

struct PlanOptions {
  std::optional<std::string> config;  // absent: "default"
  ModelFlags model;
  Overrides overrides;
  bool dry_run = false;
  bool json = false;
  bool in_process = false;
};

// Adds --config, --model and what belongs to it, --device, --variants, --problem, --seed and --dry-run.
void add_plan_options(CLI::App& app, PlanOptions& options);

// The config with all flags in it, and the name of its plan if it has none. Throws UsageError.
JsonDocument load_plan(const PlanOptions& options);
std::string plan_name(const PlanOptions& options);

// Adds --timeout, --threads and --in-process.
void add_isolation_options(CLI::App& app, PlanOptions& options);

}  // namespace flashcore
