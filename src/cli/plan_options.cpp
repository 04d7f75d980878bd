#include "cli/plan_options.hpp"

#include "device/device.hpp"

namespace flashcore {

void add_plan_options(CLI::App& app, PlanOptions& options) {
  Overrides& overrides = options.overrides;
  app.add_option("--config", options.config,
                 "Read CONFIG: a path, the name of a shipped config (see info), or - for standard input")
      ->type_name("CONFIG")
      ->capture_default_str()
      ->group(kSelectionGroup);
  app.add_option("--device", overrides.device, "Run on auto, cpu, cuda or cuda:N")
      ->type_name("DEVICE")
      ->group(kSelectionGroup);
  app.add_option(
         "--variants", overrides.variants,
         "Select variants by globs over ids, such as \"wmma/*\"; a leading ! excludes; repeatable, or "
         "separated by commas")
      ->type_name("GLOB")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kSelectionGroup);
  app.add_option("--problem", overrides.problems,
                 "Replace the config's problems, for example batch=1,heads_q=8,seq_q=512:1024; colons "
                 "separate the values of an axis; repeatable")
      ->type_name("PROBLEM")
      ->allow_extra_args(false)
      ->group(kSelectionGroup);
  app.add_option("--seed", overrides.seed, "Set the seed of the random inputs")
      ->type_name("N")
      ->group(kSelectionGroup);
  app.add_flag("--dry-run", options.dry_run, "Print the plan and exit")->group(kSelectionGroup);
}

void add_isolation_options(CLI::App& app, PlanOptions& options) {
  app.add_option("--timeout", options.overrides.timeout_s,
                 "Kill the worker process of a variant if one check or sample takes longer than SECONDS")
      ->type_name("SECONDS")
      ->group(kMeasureGroup);
  app.add_option_function<int>("--threads", set_cpu_threads,
                               "Run the CPU families with N threads; default: one per core")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxCpuThreads))
      ->group(kMeasureGroup);
  app.add_flag("--in-process", options.in_process,
               "Run variants in this process instead of a worker, for debuggers and profilers")
      ->group(kMeasureGroup);
}

}  // namespace flashcore
