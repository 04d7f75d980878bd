// The commands of the program. Each command has its own file in this folder.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json_document.hpp"

namespace flashcore {

// The options and the command line that all commands share.
struct Session {
  std::vector<std::string> command_line;
  std::vector<std::string> plugins;  // paths of the loaded plug-ins
  double plugin_timeout_s = 0;       // for their code outside of records
  bool quiet = false;
  bool force = false;  // outputs may replace files of other programs
  bool color = false;  // use colours on standard output
};

// The help of --json, which means the same for every command.
inline constexpr const char* kJsonHelp = "Print JSON to standard output, and nothing else there";

// Loads the plug-ins that a config names, and returns the session with them.
Session with_plugins_of(const JsonDocument& config, const Session& session, bool in_process = false);

// Adds --timeout to a command that only asks plug-ins what they are.
void add_plugin_timeout(CLI::App& command);

using Action = std::function<ExitCode(const Session&)>;

// Each function adds a command, which sets `action` if it is on the command line. `run` is the default
// command, so its options are options of the program itself.
void add_run_command(CLI::App& app, Action& action);
void add_list_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);
void add_profile_command(CLI::App& app, Action& action);
void add_tune_command(CLI::App& app, Action& action);
void add_merge_command(CLI::App& app, Action& action);
void add_compare_command(CLI::App& app, Action& action);
void add_report_command(CLI::App& app, Action& action);
void add_worker_command(CLI::App& app, Action& action);
void add_diagnose_command(CLI::App& app, Action& action);

// Parses the command line and runs its command. Throws Error.
ExitCode run_program(int argc, const char* const* argv);

}  // namespace flashcore
