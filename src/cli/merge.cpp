// flashcore-bench merge: joins tuned tables and journals, for example of shards, into one table.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "tune/journal.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {
namespace {

struct MergeOptions {
  std::vector<std::string> files;
  std::string output;
};

// A journal has the extension of JSON lines.
std::vector<TunedEntry> read_entries(const std::string& path) {
  if (!path.ends_with(".jsonl")) return read_tuned_table(path).entries;
  const Journal journal = read_journal(path);
  for (const std::string& line : journal.damaged) spdlog::warn("{}; the line is skipped", line);
  return tuned_entries(journal);
}

ExitCode merge(const MergeOptions& options, const Session& session) {
  TunedTable table;
  for (const std::string& path : options.files) {
    const std::vector<TunedEntry> entries = read_entries(path);
    if (entries.empty()) spdlog::warn("{}: has no problem with a winner", path);
    for (const std::string& decision : add_entries(table, entries)) {
      spdlog::warn("{}: conflict over {}", path, decision);
    }
  }
  OutputFile file = open_output({options.output, "--output", session.force}, FileKind::tuned_table);
  write_tuned_table(table, file);
  fmt::print("{}: {} problems of {} files\n", printable(options.output), table.entries.size(),
             options.files.size());
  return ExitCode::ok;
}

}  // namespace

void add_merge_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<MergeOptions>();
  CLI::App* command = app.add_subcommand("merge", "Join tuned tables and journals into one table");
  command->add_option("files", options->files, "Tuned tables (.json) and journals (.jsonl)")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "Write the table to this file")
      ->required()
      ->type_name("FILE");
  command->footer(
      "When two entries have the same problem, device and driver, the table keeps the later one, or\n"
      "the faster one if both have the same time. A warning names the entry that is dropped.");
  command->callback([options, &action] {
    action = [options](const Session& session) { return merge(*options, session); };
  });
}

}  // namespace flashcore
