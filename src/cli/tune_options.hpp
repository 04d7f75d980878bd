// The options of flashcore-bench tune.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/plan_options.hpp"

namespace flashcore {

struct TuneOptions {
  PlanOptions plan;
  std::vector<std::string> devices;
  std::string shard = "1/1";
  bool resume = false;
  bool resume_changed = false;
  bool fresh = false;
  bool install = false;  // into the folder where auto looks from every working directory
};

void add_tune_options(CLI::App& app, TuneOptions& options);

// --json is short for --output -. Throws UsageError if both are given.
void note_short_form(TuneOptions& options);

}  // namespace flashcore
