// flashcore-bench [run]: checks and times what a config and flags name.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "base/interrupt.hpp"
#include "cli/auto_picks.hpp"
#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/plan_options.hpp"
#include "cli/run_plan.hpp"
#include "config/lookup.hpp"
#include "config/plan.hpp"
#include "render/progress.hpp"

namespace flashcore {
namespace {

void add_how_options(CLI::App& app, PlanOptions& options) {
  Overrides& overrides = options.overrides;
  constexpr const char* kMeasure = "How to check and measure";
  app.add_option("--depth", overrides.depth,
                 "How thoroughly to check: quick, standard, or deep with adversarial inputs and odd sizes")
      ->group(kMeasure);
  app.add_flag("--check-only", overrides.check_only, "Check, take no time")->group(kMeasure);
  app.add_flag("--no-check", overrides.no_check, "Take times of unchecked variants")->group(kMeasure);
  app.add_option("--budget", overrides.budget_s, "Seconds of measuring in all")->group(kMeasure);
  app.add_option("--pacing", overrides.pacing,
                 "sustained: samples back to back; burst: with pauses, at the highest clock")
      ->group(kMeasure);
  app.add_option("--repeats", overrides.repeats,
                 "Enter each variant this often: its rows then show what the same code differs by")
      ->group(kMeasure);
  add_isolation_options(app, options);

  app.add_option("--tuned-table", overrides.tuned_table,
                 "Path of the table that the variant auto asks; else that of the device, below results/tuned")
      ->group("What to run");

  constexpr const char* kReport = "What to report";
  app.add_option("--baseline", overrides.baseline, "Speed-ups are against the first match of this glob")
      ->group(kReport);
  app.add_option("--output", overrides.output,
                 fmt::format("Write the result files to this path, to which {} are added",
                             fmt::join(format_extensions(Content::run), " and ")))
      ->type_name("FILE")
      ->group(kReport);
  app.add_option("--format", overrides.formats,
                 fmt::format("Write in these formats: {}; repeatable or separated by commas",
                             fmt::join(format_names(Content::run), ", ")))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("FORMAT")
      ->group(kReport);
}

ExitCode exit_code(const RunSummary& summary) {
  if (summary.interrupted) return ExitCode::interrupted;
  if (summary.incorrect + summary.suspect > 0) return ExitCode::failed_check;
  if (summary.failed > 0) return ExitCode::environment;
  return ExitCode::ok;
}

ExitCode run_config(const PlanOptions& options, const Session& session) {
  JsonDocument document = load_config(options.config);
  apply(options.overrides, document);
  const Plan plan = make_plan(document, config_stem(options.config));

  const ReportTarget target = report_target(plan);
  const std::unique_ptr<Executor> executor = open_executor(plan, session.plugins, options.in_process);
  const DeviceInfo& device = executor->device();
  check_written_for(plan, device);
  const std::vector<const Variant*> variants = runnable_variants(plan, device);
  check_memory(plan, *executor);
  const std::vector<Pick> picks = auto_picks(plan, *executor);
  if (options.dry_run) {
    fmt::print("{}{}", describe_plan(plan, variants, *executor), describe_picks(plan, picks));
    return ExitCode::ok;
  }
  if (!plan.policy.measure.modes.empty()) executor->measure_ceilings();
  ProgressLine progress(std::cerr, !session.quiet && is_terminal(STDERR_FILENO),
                        terminal_width(STDERR_FILENO, kWidthWithoutTerminal));
  const Outputs outputs = open_outputs(target, plan, device, session, progress);
  install_interrupt_handler();
  const RunSummary summary =
      run(plan.problems, variants, plan.policy, *executor, outputs.pointers(), progress, picks);
  progress.erase();
  for (const std::string& warning : clock_warnings(summary, plan.policy.measure.pacing)) {
    spdlog::warn("{}", warning);
  }
  if (!session.quiet) fmt::print(stderr, "{}\n", summary_line(summary, outputs.files));
  return exit_code(summary);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<PlanOptions>();
  add_plan_options(app, *options);
  add_how_options(app, *options);
  // Runs after the callbacks of commands: what one of them chose stays.
  app.final_callback([options, &action] {
    if (!action) action = [options](const Session& session) { return run_config(*options, session); };
  });
  app.add_subcommand("run", "Check and time what a config names; also what happens without a command")
      ->footer("Takes the options of the program itself: see flashcore-bench --help.");
}

}  // namespace flashcore
