#include "cli/tune_options.hpp"

#include "base/error.hpp"
#include "base/output_file.hpp"
#include "cli/command.hpp"

namespace flashcore {
namespace {

void add_selection_options(CLI::App& app, TuneOptions& options) {
  add_plan_options(app, options.plan);
  app.add_option("--devices", options.devices,
                 "Use several devices of one model: 0,1,… for CUDA devices, or cpu,cpu")
      ->type_name("DEVICE")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kSelectionGroup);
  app.add_option("--shard", options.shard, "Tune only every N-th problem, starting with the I-th")
      ->type_name("I/N")
      ->capture_default_str()
      ->group(kSelectionGroup);
}

void add_search_options(CLI::App& app, Overrides& overrides) {
  constexpr const char* kSearchGroup = "Search";
  app.add_option("--search", overrides.search, "Set the search: race (default), exhaustive or random")
      ->type_name("KIND")
      ->group(kSearchGroup);
  app.add_option("--objective", overrides.objective,
                 "Find the variant with the least latency (default) or energy, or both: the fastest, and the "
                 "Pareto set of time and joules per call")
      ->type_name("OBJECTIVE")
      ->group(kSearchGroup);
  app.add_option("--max-candidates", overrides.max_candidates,
                 "Search at most N candidates per problem, chosen at random by the seed")
      ->type_name("N")
      ->group(kSearchGroup);
  app.add_option("--budget", overrides.budget_s, "Limit the time of measuring to SECONDS per device")
      ->type_name("SECONDS")
      ->group(kSearchGroup);
  app.add_option("--pacing", overrides.pacing, "Set the pacing of samples: sustained or burst, see run")
      ->type_name("PACING")
      ->group(kSearchGroup);
}

void add_output_options(CLI::App& app, TuneOptions& options) {
  app.add_option(
         "--output", options.plan.overrides.output,
         "Write the tuned table to FILE.json, and FILE.records.json and FILE.journal.jsonl; an existing "
         "table keeps its other entries; {device} in FILE becomes the name of the device and its driver. "
         "With "
         "- the table goes to standard output, and there is no other file")
      ->type_name("FILE")
      ->group(kOutputGroup);
  app.add_flag("--install", options.install,
               "Write these files to flashcore/tuned in XDG_DATA_HOME or ~/.local/share, named after the "
               "device; auto looks there from every working directory")
      ->group(kOutputGroup);
  app.add_flag("--resume", options.resume, "Continue the journal of an interrupted sweep")
      ->group(kOutputGroup);
  app.add_flag("--resume-changed", options.resume_changed,
               "Continue a journal even if code, config or device have changed")
      ->group(kOutputGroup);
  app.add_flag("--fresh", options.fresh, "Replace an existing journal")->group(kOutputGroup);
  app.add_flag("--json", options.plan.json, kJsonHelp)->group(kOutputGroup);
}

}  // namespace

void add_tune_options(CLI::App& app, TuneOptions& options) {
  add_selection_options(app, options);
  add_search_options(app, options.plan.overrides);
  add_isolation_options(app, options.plan);
  add_output_options(app, options);
}

void note_short_form(TuneOptions& options) {
  if (options.install && (options.plan.json || options.plan.overrides.output)) {
    throw UsageError("--install: cannot be combined with --output or --json");
  }
  if (!options.plan.json) return;
  Overrides& overrides = options.plan.overrides;
  if (overrides.output) throw UsageError("--json: cannot be combined with --output");
  overrides.output = kStandardOutput;
}

}  // namespace flashcore
