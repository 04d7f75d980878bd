// The commands of the program: each file of this folder adds one to the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace flashcore {

// What holds for every command.
struct Session {
  std::vector<std::string> command_line;
  std::vector<std::string> plugins;  // paths, loaded already
  bool quiet = false;
  bool color = false;  // of standard output
};

using Action = std::function<ExitCode(const Session&)>;

// Each sets `action` when its command is the one on the command line. `run` is also what happens without a
// command, so its options stand on the program itself.
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

// Parses the command line and does what it says. Throws Error.
ExitCode run_program(int argc, const char* const* argv);

}  // namespace flashcore
