// flashcore-bench compare: is the new result slower than the base, and can that be told?
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>

#include "base/atomic_file.hpp"
#include "base/json_text.hpp"
#include "base/names.hpp"
#include "cli/command.hpp"
#include "cli/compare_modes.hpp"
#include "cli/compare_table.hpp"
#include "compare/differences.hpp"
#include "compare/live.hpp"
#include "compare/policy_file.hpp"
#include "compare/resample.hpp"
#include "compare/rule.hpp"
#include "render/comparison_output.hpp"
#include "results/result_set.hpp"

namespace flashcore {
namespace {

enum class CompareFormat { table, markdown, junit, json, bencher, smaller_is_better, google_benchmark };

constexpr std::string_view kFormatNames[] = {
    "table", "markdown", "junit", "json", "bencher", "customSmallerIsBetter", "google-benchmark"};

struct CompareOptions {
  std::vector<std::string> sides;
  std::string policy_file;
  std::optional<double> smallest_effect;
  std::vector<std::string> fail_on;
  std::string mode;
  std::string format = "table";
  std::vector<std::string> writes;  // "junit=gate.xml"
  std::string noise_file;
  std::string history;      // a folder
  std::string old_program;  // of --live
  int runs = 8;
  CompareRunOptions to_run;
  bool calibrate = false;
  bool ignore_code_hash = false;
  bool strict = false;
  bool all_rows = false;
};

CompareFormat parse_format(std::string_view word, std::string_view where) {
  const auto found = std::ranges::find(kFormatNames, word);
  if (found == std::end(kFormatNames)) {
    throw UsageError(fmt::format("{}: unknown format \"{}\"{}", where, word, suggestion(word, kFormatNames)));
  }
  return static_cast<CompareFormat>(found - std::begin(kFormatNames));
}

TimingMode parse_mode(std::string_view word) {
  std::vector<std::string_view> words;
  for (const TimingMode mode : kAll<TimingMode>) {
    if (to_string(mode) == word) return mode;
    words.push_back(to_string(mode));
  }
  throw UsageError(fmt::format("--clock: unknown clock \"{}\"{}", word, suggestion(word, words)));
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

ComparePolicy make_policy(const CompareOptions& options) {
  ComparePolicy policy;
  if (!options.old_program.empty()) policy.smallest_effect = kLiveSmallestEffect;
  if (!options.policy_file.empty()) read_policy(options.policy_file, policy);
  if (options.smallest_effect) {
    policy.smallest_effect = check_effect(*options.smallest_effect, "--smallest-effect");
  }
  if (!options.fail_on.empty()) policy.fail_on = parse_verdicts(options.fail_on, "--fail-on");
  if (!options.mode.empty()) policy.mode = parse_mode(options.mode);
  policy.trust_code_hash = !options.ignore_code_hash;
  policy.strict = options.strict;
  policy.today = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  return policy;
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

Comparison compare_sides(const CompareOptions& options, ComparePolicy policy) {
  if (options.sides.size() != 2) {
    throw UsageError(fmt::format("compare: needs two results, BASE and NEW; got {}", options.sides.size()));
  }
  const std::vector<ResultFile> base = read_result_set({&options.sides[0], 1});
  const std::vector<ResultFile> next = read_result_set({&options.sides[1], 1});
  policy.noise = find_noise(options.noise_file, next);
  return compare(runs_of(base), runs_of(next), policy, differences(base, next));
}

ExitCode report(const CompareOptions& options, const Session& session) {
  const CompareFormat format = parse_format(options.format, "--format");
  const std::vector<Write> writes = parse_writes(options.writes);
  ComparePolicy policy = make_policy(options);
  const bool live = !options.old_program.empty();
  if (live && !options.sides.empty()) throw UsageError("--live: takes no BASE and NEW");
  const Comparison comparison = live ? compare_builds(options.old_program, options.to_run, policy, session)
                                     : compare_sides(options, std::move(policy));
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
  ComparePolicy policy = make_policy(options);
  std::vector<ResultFile> files = read_result_set({&options.history, 1});
  policy.noise = find_noise(options.noise_file, files);
  const History history = make_history(std::move(files), policy);
  fmt::print("{}",
             format == CompareFormat::json ? json_text(to_json(history), 2) + "\n" : history_table(history));
  return ExitCode::ok;
}

ExitCode compare_command(const CompareOptions& options, const Session& session) {
  const int modes =
      (options.calibrate ? 1 : 0) + (options.history.empty() ? 0 : 1) + (options.old_program.empty() ? 0 : 1);
  if (modes > 1) throw UsageError("compare: one of --calibrate, --history and --live at a time");
  if (options.calibrate) {
    fmt::print("{}", calibrate(options.sides, options.runs, options.to_run, options.noise_file,
                               make_policy(options), session));
    return ExitCode::ok;
  }
  return options.history.empty() ? report(options, session) : show_history(options);
}

void add_rule_options(CLI::App& command, CompareOptions& options) {
  constexpr const char* kGroup = "The rule";
  command
      .add_option("--policy", options.policy_file,
                  "JSON with smallest_effect, tolerances, allowed and fail_on; flags override it")
      ->group(kGroup);
  command
      .add_option("--smallest-effect", options.smallest_effect,
                  "The smallest change worth reporting, 0.02 is 2 %")
      ->group(kGroup);
  command
      .add_option(
          "--fail-on", options.fail_on,
          "Verdicts that end with 1: slower, broken, missing (these by default), unclear, new, faster")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kGroup);
  command.add_option("--clock", options.mode, "hot, cold or call; else the first that both sides have")
      ->group(kGroup);
  command
      .add_flag("--ignore-code-hash", options.ignore_code_hash,
                "Judge rows of equal machine code by their times, too")
      ->group(kGroup);
  command
      .add_flag("--strict", options.strict, "No verdict where device, driver, clocks or throttling differ")
      ->group(kGroup);
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
  command
      .add_option("--noise", options.noise_file,
                  "The noise file; else flashcore/noise/<device>.json in XDG_DATA_HOME or ~/.local/share")
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

// A card that stands at its power limit says so when it gives up one step of the clock, too.
std::vector<Record> without_slight_slowdowns(const ResultFile& file) {
  std::vector<Record> records = file.records;
  const Json::json_pointer pointer("/nvml/max_sm_clock_mhz");
  if (!file.environment.contains(pointer) || !file.environment.at(pointer).is_number()) return records;
  const auto highest = file.environment.at(pointer).get<double>();
  for (Record& record : records) {
    for (const TimingMode mode : kAll<TimingMode>) {
      std::optional<Timing>& timing = record.timings[mode];
      if (!timing || timing->sm_clock_mhz.empty()) continue;
      const double usual = median_of(timing->sm_clock_mhz);
      if (usual >= (1 - kClockDifference) * highest) timing->throttled_samples = 0;
    }
  }
  return records;
}

}  // namespace

Runs runs_of(const std::vector<ResultFile>& files) {
  Runs runs;
  for (const ResultFile& file : files) runs.push_back(without_slight_slowdowns(file));
  return runs;
}

void add_compare_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app.add_subcommand(
      "compare", "Compare two results: slower, fine, or cannot tell; the exit code says which");
  command->add_option("results", options->sides,
                      "BASE and NEW: result files, or folders whose files are repeated runs");
  add_rule_options(*command, *options);
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
