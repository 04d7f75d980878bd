// flashcore-bench compare: is the new result slower than the base?
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/terminal.hpp"
#include "cli/command.hpp"
#include "cli/compare_modes.hpp"
#include "cli/format_options.hpp"
#include "cli/rule_options.hpp"
#include "compare/compare_files.hpp"
#include "compare/live.hpp"
#include "results/result_set.hpp"

namespace flashcore {
namespace {

struct CompareOptions {
  std::vector<std::string> sides;
  RuleOptions rule;
  FormatOptions formats;
  std::string history;      // a folder
  std::string old_program;  // of --live
  int runs = 8;             // of --calibrate
  CompareRunOptions to_run;
  BisectOptions bisect;
  bool calibrate = false;
  bool all_rows = false;
};

ComparePolicy policy_of(const CompareOptions& options) {
  return make_policy(options.rule, options.old_program.empty() ? kSmallestEffect : kLiveSmallestEffect);
}

Comparison compare_sides(const CompareOptions& options, const ComparePolicy& policy) {
  if (options.sides.size() != 2) {
    throw UsageError(fmt::format("compare: needs two results, BASE and NEW; got {}", options.sides.size()));
  }
  std::vector<ResultFile> base = read_result_set({&options.sides[0], 1});
  std::vector<ResultFile> next = read_result_set({&options.sides[1], 1});
  return compare_files(std::move(base), std::move(next), policy);
}

ExitCode show_comparison(const CompareOptions& options, const Session& session) {
  const bool live = !options.old_program.empty();
  if (live && !options.sides.empty()) throw UsageError("--live: takes no BASE and NEW");
  Session with_plugins = session;
  const std::optional<Plan> plan = live ? std::optional(plan_of(options.to_run, with_plugins)) : std::nullopt;
  FormatChoice choice = choose_formats(options.formats, Content::comparison, session.force);
  const ComparePolicy policy = policy_of(options);
  const Comparison comparison = live ? compare_builds(options.old_program, *plan, policy, with_plugins)
                                     : compare_sides(options, policy);
  write_formats(choice,
                {.width = output_width(), .color = session.color, .all_rows = options.all_rows || live},
                [&](const OutputFormat& format, const TextOptions& text) {
                  return format.comparison(comparison, text);
                });
  return comparison.exit_code();
}

ExitCode show_history(const CompareOptions& options, const Session& session) {
  FormatChoice choice = choose_formats(options.formats, Content::history, session.force);
  if (!options.sides.empty()) throw UsageError("--history: takes one folder and no BASE and NEW");
  const History history = make_history(read_result_set({&options.history, 1}), policy_of(options));
  write_formats(choice, {.width = output_width()}, [&](const OutputFormat& format, const TextOptions& text) {
    return format.history(history, text);
  });
  return ExitCode::ok;
}

ExitCode bisect_commits(const CompareOptions& options, const Session& session) {
  if (!options.sides.empty()) throw UsageError("--bisect: takes no BASE and NEW");
  if (options.formats.format != FormatOptions{}.format || !options.formats.writes.empty()) {
    throw UsageError("--bisect: prints text, or JSON with --json; it takes no --format and no --write");
  }
  return bisect(options.bisect, options.to_run, make_policy(options.rule, kLiveSmallestEffect),
                options.formats.json, session);
}

ExitCode compare_command(const CompareOptions& options, const Session& session) {
  const int modes = (options.bisect.commits.empty() ? 0 : 1) + (options.calibrate ? 1 : 0) +
                    (options.history.empty() ? 0 : 1) + (options.old_program.empty() ? 0 : 1);
  if (modes > 1) throw UsageError("compare: takes one of --bisect, --calibrate, --history and --live");
  if (!options.bisect.commits.empty()) return bisect_commits(options, session);
  if (options.calibrate) {
    fmt::print("{}",
               calibrate_machine(options.sides, options.runs, options.to_run, policy_of(options), session));
    return ExitCode::ok;
  }
  return options.history.empty() ? show_comparison(options, session) : show_history(options, session);
}

constexpr const char* kModes = "Other modes";

void add_mode_options(CLI::App& command, CompareOptions& options) {
  command
      .add_flag("--calibrate", options.calibrate,
                "Measure the noise between equal runs on this machine and write the noise file; from the "
                "results named, or from runs made now")
      ->group(kModes);
  command.add_option("--runs", options.runs, "Make N runs for --calibrate")
      ->type_name("N")
      ->capture_default_str()
      ->group(kModes);
  command
      .add_option("--live", options.old_program,
                  "Run this older build and the program itself in turns; this resolves smaller changes")
      ->type_name("PROGRAM")
      ->group(kModes);
  command
      .add_option("--history", options.history,
                  "Show the trend of each row over a folder of results, and the steps in it")
      ->type_name("FOLDER")
      ->group(kModes);
}

void add_bisect_options(CLI::App& command, BisectOptions& options) {
  command
      .add_option("--bisect", options.commits,
                  "Find the commit between GOOD and BAD that makes a row slower: each is built with --build "
                  "and compared as --live does")
      ->type_name("GOOD BAD")
      ->expected(2)
      ->group(kModes);
  command.add_option("--build", options.build, "Build a commit with this command of the shell")
      ->type_name("COMMAND")
      ->group(kModes);
  command
      .add_option("--built", options.built,
                  "What --build makes, from the folder of the commit: flashcore-bench or a plug-in, *.so")
      ->type_name("FILE")
      ->group(kModes);
}

// Of the modes that run kernels.
void add_run_options(CLI::App& command, CompareRunOptions& options) {
  Overrides& overrides = options.overrides;
  command.add_option("--config", options.config, "Run this config for --bisect, --calibrate and --live")
      ->type_name("CONFIG")
      ->capture_default_str()
      ->group(kModes);
  command.add_option("--device", overrides.device, "Run on this device: auto, cpu, cuda or cuda:N")
      ->type_name("DEVICE")
      ->group(kModes);
  command
      .add_option("--problem", overrides.problems,
                  "Run these problems in place of the config's, as run takes them")
      ->type_name("PROBLEM")
      ->allow_extra_args(false)
      ->group(kModes);
  command.add_option("--variants", overrides.variants, "Run the variants whose ids match")
      ->type_name("GLOB")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kModes);
}

}  // namespace

void add_compare_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app.add_subcommand(
      "compare",
      "Compare two results: no regression, a regression, or cannot tell; the exit code says which");
  command
      ->add_option("results", options->sides,
                   "BASE and NEW: result files, or folders whose files are repeated runs")
      ->type_name("FILE");
  add_rule_options(*command, options->rule, "The rule");
  add_mode_options(*command, *options);
  add_bisect_options(*command, options->bisect);
  add_run_options(*command, options->to_run);
  command->footer(
      "Exit codes: 0 no regression, 1 a regression, 2 the command line or a file is wrong,\n"
      "            3 cannot tell.");
  add_format_options(*command, options->formats, Content::comparison, "Output");
  command->add_flag("--all", options->all_rows, "Also list rows that are the same")->group("Output");
  command->callback([options, &action] {
    action = [options](const Session& session) { return compare_command(*options, session); };
  });
}

}  // namespace flashcore
