// flashcore-bench [run]: checks and times the variants and problems of a config.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "base/interrupt.hpp"
#include "base/json_text.hpp"
#include "base/output_file.hpp"
#include "base/streams.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "cli/auto_picks.hpp"
#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/plan_options.hpp"
#include "cli/run_plan.hpp"
#include "config/plan.hpp"
#include "device/device.hpp"
#include "render/conclusion_text.hpp"
#include "render/progress.hpp"

namespace flashcore {
namespace {

void add_measure_options(CLI::App& app, PlanOptions& options) {
  Overrides& overrides = options.overrides;
  app.add_option(
         "--depth", overrides.depth,
         "Set how thoroughly to check: quick, standard, or deep with adversarial inputs and odd sizes")
      ->type_name("DEPTH")
      ->group(kMeasureGroup);
  app.add_flag("--check-only", overrides.check_only, "Check variants without timing them")
      ->group(kMeasureGroup);
  app.add_flag("--no-check", overrides.no_check, "Time variants without checking them")->group(kMeasureGroup);
  app.add_option("--budget", overrides.budget_s, "Limit the total time of measuring to SECONDS")
      ->type_name("SECONDS")
      ->group(kMeasureGroup);
  app.add_option("--pacing", overrides.pacing,
                 "Set the pacing of samples: sustained (no pauses) or burst (pauses keep the GPU at its "
                 "highest clock)")
      ->type_name("PACING")
      ->group(kMeasureGroup);
  app.add_option("--repeats", overrides.repeats,
                 "Run each variant N times; the spread shows run-to-run noise")
      ->type_name("N")
      ->group(kMeasureGroup);
  add_isolation_options(app, options);
}

void add_output_options(CLI::App& app, PlanOptions& options) {
  Overrides& overrides = options.overrides;
  app.add_option("--baseline", overrides.baseline, "Show speed-ups over the first variant that matches GLOB")
      ->type_name("GLOB")
      ->group(kOutputGroup);
  app.add_option("--output", overrides.output,
                 fmt::format("Write the results to FILE, to which {} are added; - is standard output",
                             fmt::join(format_extensions(Content::run), " and ")))
      ->type_name("FILE")
      ->group(kOutputGroup);
  app.add_option("--format", overrides.formats,
                 fmt::format("Write these formats: {}; repeatable, or separated by commas",
                             fmt::join(format_names(Content::run), ", ")))
      ->type_name("FORMAT")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kOutputGroup);
  app.add_flag("--json", options.json, kJsonHelp)->group(kOutputGroup);
}

// --json is short for --format json --output -, and a lone "-" for --output -.
void note_short_forms(PlanOptions& options, const std::vector<std::string>& words) {
  Overrides& overrides = options.overrides;
  const bool names_output = overrides.output.has_value();
  if (options.json && (names_output || !overrides.formats.empty())) {
    throw UsageError("--json: cannot be combined with --output or --format");
  }
  if (options.json) overrides.formats = {"json"};
  const bool lone = std::ranges::count(words, kStandardOutput) > 0;
  if (lone && names_output) throw UsageError("-: cannot be combined with --output");
  if (options.json || lone) overrides.output = kStandardOutput;
}

ExitCode exit_code(const RunSummary& summary) {
  if (summary.interrupted) return ExitCode::interrupted;
  if (summary.incorrect + summary.suspect > 0) return ExitCode::failed_check;
  if (summary.failed > 0) return ExitCode::environment;
  return ExitCode::ok;
}

// Returns true if it has warned.
bool warn_if_busy(const DeviceInfo& device) {
  const std::optional<double> load = cpu_load();
  if (device.backend != Backend::cpu || !load) return false;
  const std::string text = busy_sentence(*load, std::thread::hardware_concurrency());
  if (!text.empty()) spdlog::warn("{}", text);
  return !text.empty();
}

// An estimate that the run has already disproved is none.
std::optional<double> larger_budget(const RunSummary& summary, const MeasurePolicy& policy) {
  const std::optional<double> budget_s = summary.sufficient_budget_s;
  return budget_s && *budget_s > policy.budget_s ? budget_s : std::nullopt;
}

void warn_at_the_end(const RunSummary& summary, const MeasurePolicy& policy) {
  for (const std::string& text : caveat_sentences(summary.caveats, policy, larger_budget(summary, policy))) {
    spdlog::warn("{}", text);
  }
}

ExitCode run_config(const PlanOptions& options, const Session& given) {
  const JsonDocument document = load_plan(options);
  const Session session = with_plugins_of(document, given, options.in_process);
  const Plan plan = make_plan(document, plan_name(options));

  const ReportTarget target = report_target(plan);
  const std::unique_ptr<Executor> executor = open_executor(plan, session.plugins, options.in_process);
  const DeviceInfo& device = executor->device();
  check_written_for(plan, device);
  const std::vector<const Variant*> variants = runnable_variants(plan, device);
  check_memory(plan, *executor);
  const std::vector<Pick> picks = auto_picks(plan, *executor);
  if (options.dry_run) {
    if (options.json) {
      fmt::print("{}", indented_json(plan_json(plan, variants, *executor, picks)));
    } else {
      fmt::print("{}{}", plan_text(plan, variants, *executor), picks_text(plan, picks));
    }
    return ExitCode::ok;
  }
  bool busy = false;
  if (!plan.policy.measure.modes.empty()) {
    busy = warn_if_busy(device);
    executor->measure_ceilings();
  }
  ProgressLine progress(std::cerr, !session.quiet && is_terminal(STDERR_FILENO),
                        terminal_width(STDERR_FILENO, kWidthWithoutTerminal));
  install_interrupt_handler();  // before a file is made
  const Outputs outputs = open_outputs(target, plan, device, session, progress);
  const RunSummary summary =
      run(plan.problems, variants, plan.policy, *executor, outputs.pointers(), progress, picks);
  progress.erase();
  warn_at_the_end(summary, plan.policy.measure);
  if (!busy && summary.caveats.timed > 0) warn_if_busy(device);
  if (!session.quiet) say(printable(summary_line(summary, outputs.files)) + "\n");
  return exit_code(summary);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<PlanOptions>();
  add_plan_options(app, *options);
  app.add_option("--tuned-table", options->overrides.tuned_table,
                 "Choose the variant auto by the table FILE instead of the device's table in results/tuned")
      ->type_name("FILE")
      ->group(kSelectionGroup);
  add_measure_options(app, *options);
  add_output_options(app, *options);
  // Called after the callbacks of commands. Sets the action only if no command did.
  app.final_callback([options, &app, &action] {
    if (action) return;
    note_short_forms(*options, app.remaining());
    action = [options](const Session& session) { return run_config(*options, session); };
  });
  app.add_subcommand("run", "Check and time the variants of a config; the default command")
      ->footer("Takes the options of flashcore-bench itself, see flashcore-bench --help.");
}

}  // namespace flashcore
