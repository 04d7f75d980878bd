// flashcore-bench compare: is the new result slower than the base, and can that be told?
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/atomic_file.hpp"
#include "base/json_text.hpp"
#include "base/names.hpp"
#include "cli/command.hpp"
#include "cli/compare_modes.hpp"
#include "cli/compare_table.hpp"
#include "cli/rule_options.hpp"
#include "compare/compare_files.hpp"
#include "compare/live.hpp"
#include "render/comparison_output.hpp"
#include "results/result_set.hpp"

namespace flashcore {
namespace {

enum class CompareFormat { table, markdown, junit, json, bencher, smaller_is_better, google_benchmark };

constexpr std::string_view kFormatNames[] = {
    "table", "markdown", "junit", "json", "bencher", "customSmallerIsBetter", "google-benchmark"};

struct CompareOptions {
  std::vector<std::string> sides;
  RuleOptions rule;
  std::string format = "table";
  std::vector<std::string> writes;  // "junit=gate.xml"
  std::string history;              // a folder
  std::string old_program;          // of --live
  int runs = 8;
  CompareRunOptions to_run;
  bool calibrate = false;
  bool all_rows = false;
};

CompareFormat parse_format(std::string_view word, std::string_view where) {
  const auto found = std::ranges::find(kFormatNames, word);
  if (found == std::end(kFormatNames)) {
    throw UsageError(fmt::format("{}: unknown format \"{}\"{}", where, word, suggestion(word, kFormatNames)));
  }
  return static_cast<CompareFormat>(found - std::begin(kFormatNames));
}

struct Write {
  CompareFormat format;
  std::string path;
};

std::vector<Write> parse_writes(const std::vector<std::string>& texts) {
  std::vector<Write> writes;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals + 1 == text.size()) {
      throw UsageError(fmt::format("--write: \"{}\" must be FORMAT=PATH, as in junit=gate.xml", text));
    }
    writes.push_back({parse_format(text.substr(0, equals), "--write"), text.substr(equals + 1)});
  }
  return writes;
}

std::string render(const Comparison& comparison, CompareFormat format, const CompareTableOptions& table) {
  const auto text = [](const Json& json) { return json_text(json, 2) + "\n"; };
  switch (format) {
    case CompareFormat::table:
      return compare_table(comparison, table);
    case CompareFormat::markdown:
      return to_markdown(comparison);
    case CompareFormat::junit:
      return to_junit(comparison);
    case CompareFormat::json:
      return text(to_json(comparison));
    case CompareFormat::bencher:
      return text(to_bencher(comparison));
    case CompareFormat::smaller_is_better:
      return text(to_smaller_is_better(comparison));
    case CompareFormat::google_benchmark:
      return text(to_google_benchmark(comparison));
  }
  return "";
}

ComparePolicy policy_of(const CompareOptions& options) {
  return make_policy(options.rule, options.old_program.empty() ? kSmallestEffect : kLiveSmallestEffect);
}

Comparison compare_sides(const CompareOptions& options, const ComparePolicy& policy) {
  if (options.sides.size() != 2) {
    throw UsageError(fmt::format("compare: needs two results, BASE and NEW; got {}", options.sides.size()));
  }
  const std::vector<ResultFile> base = read_result_set({&options.sides[0], 1});
  const std::vector<ResultFile> next = read_result_set({&options.sides[1], 1});
  return compare_files(base, next, policy);
}

ExitCode report(const CompareOptions& options, const Session& session) {
  const CompareFormat format = parse_format(options.format, "--format");
  const std::vector<Write> writes = parse_writes(options.writes);
  const ComparePolicy policy = policy_of(options);
  const bool live = !options.old_program.empty();
  if (live && !options.sides.empty()) throw UsageError("--live: takes no BASE and NEW");
  const Comparison comparison = live ? compare_builds(options.old_program, options.to_run, policy, session)
                                     : compare_sides(options, policy);
  for (const Write& write : writes) {
    write_atomically(write.path, {render(comparison, write.format, {.all_rows = true})});
  }
  const bool all_rows = options.all_rows || live;
  fmt::print("{}", render(comparison, format, {.color = session.color, .all_rows = all_rows}));
  return comparison.exit_code();
}

ExitCode show_history(const CompareOptions& options) {
  const CompareFormat format = parse_format(options.format, "--format");
  if (format != CompareFormat::table && format != CompareFormat::json) {
    throw UsageError("--format: a history is a table or json");
  }
  if (!options.sides.empty()) throw UsageError("--history: takes one folder and no BASE and NEW");
  const History history = make_history(read_result_set({&options.history, 1}), policy_of(options));
  fmt::print("{}",
             format == CompareFormat::json ? json_text(to_json(history), 2) + "\n" : history_table(history));
  return ExitCode::ok;
}

ExitCode compare_command(const CompareOptions& options, const Session& session) {
  const int modes =
      (options.calibrate ? 1 : 0) + (options.history.empty() ? 0 : 1) + (options.old_program.empty() ? 0 : 1);
  if (modes > 1) throw UsageError("compare: one of --calibrate, --history and --live at a time");
  if (options.calibrate) {
    fmt::print("{}",
               calibrate_machine(options.sides, options.runs, options.to_run, policy_of(options), session));
    return ExitCode::ok;
  }
  return options.history.empty() ? report(options, session) : show_history(options);
}

void add_mode_options(CLI::App& command, CompareOptions& options) {
  constexpr const char* kGroup = "This machine";
  command
      .add_flag("--calibrate", options.calibrate,
                "Measure what results of this machine differ by when nothing changed, and keep it; from the "
                "results named, or from runs made now")
      ->group(kGroup);
  command.add_option("--runs", options.runs, "Runs that --calibrate makes")
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_option("--live", options.old_program,
                  "An older build of this program: both run in turns, so that smaller changes show")
      ->group(kGroup);
  command.add_option("--config", options.to_run.config, "What --calibrate and --live run")
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--device", options.to_run.overrides.device, "auto, cpu, cuda or cuda:N")->group(kGroup);
  command.add_option("--variants", options.to_run.overrides.variants, "Globs over ids")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kGroup);
  command.add_option("--history", options.history, "Trend and steps of each row over a folder of results")
      ->group(kGroup);
}

void add_output_options(CLI::App& command, CompareOptions& options) {
  constexpr const char* kGroup = "Output";
  command
      .add_option("--format", options.format,
                  "table, markdown, junit, json, bencher, customSmallerIsBetter, google-benchmark")
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--write", options.writes, "FORMAT=PATH, beside what is printed; repeatable")
      ->allow_extra_args(false)
      ->group(kGroup);
  command.add_flag("--all", options.all_rows, "List rows that are the same, too")->group(kGroup);
}

}  // namespace

void add_compare_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app.add_subcommand(
      "compare", "Compare two results: slower, fine, or cannot tell; the exit code says which");
  command->add_option("results", options->sides,
                      "BASE and NEW: result files, or folders whose files are repeated runs");
  add_rule_options(*command, options->rule, "The rule");
  add_mode_options(*command, *options);
  add_output_options(*command, *options);
  command->footer(
      "Exit codes: 0 no regression, 1 a regression, 2 the command line or a file is wrong,\n"
      "            3 cannot tell.");
  command->callback([options, &action] {
    action = [options](const Session& session) { return compare_command(*options, session); };
  });
}

}  // namespace flashcore
