#include "cli/plan_options.hpp"

namespace flashcore {

void add_plan_options(CLI::App& app, PlanOptions& options) {
  constexpr const char* kGroup = "What to run";
  Overrides& overrides = options.overrides;
  app.add_option("--config", options.config,
                 "A path, a shipped config's name (info tells where they are), or - for standard input")
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--device", overrides.device, "auto, cpu, cuda or cuda:N")->group(kGroup);
  app.add_option("--variants", overrides.variants,
                 "Globs over ids, \"wmma/*\"; a leading ! excludes; repeatable or separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--problem", overrides.problems,
                 "batch=1,heads_q=8,seq_q=512:1024,… instead of the config's problems; colons separate the "
                 "values of an axis; repeatable")
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--seed", overrides.seed, "Seed of the inputs")->group(kGroup);
  app.add_flag("--dry-run", options.dry_run, "Print the plan, run nothing")->group(kGroup);
}

void add_isolation_options(CLI::App& app, PlanOptions& options) {
  constexpr const char* kGroup = "How to check and measure";
  app.add_option("--timeout", options.overrides.timeout_s,
                 "Seconds that one check or sample of a variant may take before its worker process is ended")
      ->group(kGroup);
  app.add_flag("--in-process", options.in_process,
               "Run variants in this process, not in a worker: for debuggers and profilers")
      ->group(kGroup);
}

}  // namespace flashcore
