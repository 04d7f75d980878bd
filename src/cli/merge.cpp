// flashcore-bench merge: joins tuned tables and journals, of shards for example, into one table.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/atomic_file.hpp"
#include "cli/command.hpp"
#include "tune/journal.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {
namespace {

struct MergeOptions {
  std::vector<std::string> files;
  std::string output;
};

// A journal is known by its name: JSON lines.
std::vector<TunedEntry> read_entries(const std::string& path) {
  if (!path.ends_with(".jsonl")) return read_tuned_table(path).entries;
  return tuned_entries(read_journal(path));
}

ExitCode merge(const MergeOptions& options) {
  TunedTable table;
  for (const std::string& path : options.files) {
    const std::vector<TunedEntry> entries = read_entries(path);
    if (entries.empty()) spdlog::warn("{}: holds no problem that was decided", path);
    for (const TunedEntry& entry : entries) {
      if (const std::string decision = add_entry(table, entry); !decision.empty()) {
        spdlog::warn("{}: conflict over {}", path, decision);
      }
    }
  }
  try {
    require_writable(options.output);
  } catch (const EnvironmentError& error) {
    throw UsageError(fmt::format("--output: {}", error.what()));
  }
  write_tuned_table(table, options.output);
  fmt::print("{}: {} problems of {} files\n", options.output, table.entries.size(), options.files.size());
  return ExitCode::ok;
}

}  // namespace

void add_merge_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<MergeOptions>();
  CLI::App* command = app.add_subcommand("merge", "Join tuned tables and journals into one table");
  command->add_option("files", options->files, "Tuned tables (.json) and journals (.jsonl)")->required();
  command->add_option("-o,--output", options->output, "The table to write")->required();
  command->footer(
      "Of two entries for one problem, device and driver the one tuned later stays, of\n"
      "equally late ones the faster; what goes is named.");
  command->callback([options, &action] { action = [options](const Session&) { return merge(*options); }; });
}

}  // namespace flashcore
