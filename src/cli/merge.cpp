// flashcore-bench merge: joins tuned tables and journals, for example of shards, into one table.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <span>

#include "base/input_file.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "tune/coverage.hpp"
#include "tune/dispatch_report.hpp"
#include "tune/journal.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kNamedProblems = 5;

struct MergeOptions {
  std::vector<std::string> files;
  std::string output;
  bool missing_shards = false;
  std::string device;
};

// A journal has the extension of JSON lines. One that was cut off in its first line has nothing to merge.
TunedTable read_table(const std::string& path, Coverage& coverage) {
  if (!path.ends_with(".jsonl")) return read_tuned_table(path);
  const std::string text = read_input(path);
  if (begins_as_journal(text) && text.find('\n') == std::string::npos) return {};
  const Journal journal = parse_journal(text, path);
  for (const std::string& line : journal.damaged) spdlog::warn("{}; the line is skipped", line);
  coverage.add(journal);
  return tuned_table(journal);
}

std::string some_of(std::span<const std::string> names) {
  std::string text = fmt::format("{}", fmt::join(names.first(std::min(names.size(), kNamedProblems)), ", "));
  if (names.size() <= kNamedProblems) return text;
  return fmt::format("{} and {} more", text, names.size() - kNamedProblems);
}

void warn_of_gaps(std::span<const SweepGaps> all) {
  for (const SweepGaps& gaps : all) {
    const std::size_t lacking = gaps.missing.size() + gaps.without_winner.size();
    if (lacking == 0) continue;
    std::string text =
        fmt::format("{}: {} of {} problems", gaps.fingerprint.device, gaps.problems - lacking, gaps.problems);
    if (!gaps.missing.empty()) {
      text += fmt::format("; missing {} of {}: {}; problems {}",
                          gaps.missing_shards.size() == 1 ? "is shard" : "are shards", gaps.shards,
                          ranges_text(gaps.missing_shards), some_of(gaps.missing));
    }
    if (!gaps.without_winner.empty()) text += "; no candidate is right: " + some_of(gaps.without_winner);
    spdlog::warn("{}", text);
  }
}

// The sweep that --missing-shards is about.
const SweepGaps& chosen(std::span<const SweepGaps> all, const MergeOptions& options) {
  std::vector<const SweepGaps*> fitting;
  std::vector<std::string> names;
  for (const SweepGaps& gaps : all) {
    names.push_back(gaps.fingerprint.device);
    if (options.device.empty() || options.device == gaps.fingerprint.device) fitting.push_back(&gaps);
  }
  if (names.empty()) throw UsageError("--missing-shards: needs journals; tables do not tell of shards");
  if (fitting.empty()) {
    throw UsageError(fmt::format("--device: \"{}\" is none of the journals' devices: {}", options.device,
                                 fmt::join(names, "; ")));
  }
  for (const SweepGaps* gaps : fitting) {
    if (gaps->plan != fitting.front()->plan)
      throw UsageError("--missing-shards: the journals are of sweeps with different configs");
  }
  return **std::ranges::min_element(fitting, {}, [](const SweepGaps* gaps) { return gaps->missing.size(); });
}

TunedTable join(const std::vector<std::string>& files, Coverage& coverage) {
  TunedTable table;
  ClockSpread clocks;
  for (const std::string& path : files) {
    const TunedTable read = read_table(path, coverage);
    const std::vector<TunedEntry>& entries = read.entries;
    if (entries.empty()) spdlog::warn("{}: has no problem with a winner", path);
    if (table.entries.empty()) {
      table.path = path;
      table.objective = read.objective;
    }
    check_objective(read, "merge", table.objective, table.path);
    for (const std::string& decision : add_entries(table, entries)) {
      spdlog::warn("{}: conflict over {}", path, decision);
    }
    clocks.add(path, entries);
  }
  for (const std::string& sentence : clocks.sentences()) spdlog::warn("{}", sentence);
  return table;
}

ExitCode merge(const MergeOptions& options, const Session& session) {
  Coverage coverage;
  const TunedTable table = join(options.files, coverage);
  const std::vector<SweepGaps> gaps = coverage.gaps(table);
  const std::vector<DispatchReport> reports = dispatch_reports(table.entries);
  warn_of_gaps(gaps);
  const std::string missing =
      options.missing_shards ? ranges_text(chosen(gaps, options).missing_shards) + "\n" : "";
  if (!options.output.empty()) {
    OutputFile file = open_output({options.output, "--output", session.force}, FileKind::tuned_table);
    write_tuned_table(table, file, to_json(reports));
  }
  if (options.missing_shards) {
    fmt::print("{}", missing);
  } else if (options.output != kStandardOutput) {
    fmt::print("{}: {} problems of {} files\n", printable(options.output), table.entries.size(),
               options.files.size());
    const std::string sentence = dispatch_sentence(reports);
    if (!sentence.empty()) fmt::print("dispatch: {}\n", sentence);
  }
  return ExitCode::ok;
}

}  // namespace

void add_merge_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<MergeOptions>();
  CLI::App* command = app.add_subcommand("merge", "Join tuned tables and journals into one table");
  command->add_option("files", options->files, "Tuned tables (.json) and journals (.jsonl)")
      ->required()
      ->type_name("FILE");
  CLI::Option* output =
      command
          ->add_option("-o,--output", options->output, "Write the table to this file; - is standard output")
          ->type_name("FILE");
  CLI::Option* missing = command->add_flag(
      "--missing-shards", options->missing_shards,
      "Print only which shards (tune --shard) are to be run again, as in 3,7-9; nothing if none is");
  command
      ->add_option("--device", options->device,
                   "With --missing-shards: of the sweep on this device. Default: the most complete sweep")
      ->needs(missing)
      ->type_name("NAME");
  command->footer(
      "When two entries have the same problem, device and driver, the table keeps the later one, or\n"
      "the faster one if both have the same time. A warning names the entry that is dropped. Journals\n"
      "tell what they lack of their sweep; warnings name it, and cards that ran at other clocks than most.");
  CLI::Option* json = command->add_flag("--json", kJsonHelp)->excludes(output)->excludes(missing);
  command->callback([options, output, json, &action] {
    if (json->count() > 0) options->output = kStandardOutput;
    if (!options->missing_shards && options->output.empty()) throw CLI::RequiredError("--output");
    action = [options](const Session& session) { return merge(*options, session); };
  });
}

}  // namespace flashcore
