// The command line: commands, common options, and errors for unknown words.
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/build_info.hpp"
#include "base/input_file.hpp"
#include "base/names.hpp"
#include "base/output_file.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/completion.hpp"
#include "config/plugins.hpp"
#include "plugin/plugin.hpp"
#include "render/progress.hpp"
#include "worker/described_plugin.hpp"

namespace flashcore {
namespace {

constexpr const char* kName = "flashcore-bench";
constexpr const char* kDefaultCommand = "run";

// Groups of the common options. All other options of the program itself belong to `run`.
constexpr const char* kMessages = "Messages";
constexpr const char* kPlugins = "Plug-ins";
constexpr const char* kFiles = "Files";

struct CommonOptions {
  std::vector<std::string> plugins;
  int verbose = 0;
  bool quiet = false;
  bool no_color = false;
  bool version = false;
  bool force = false;
};

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.add_flag("-v,--verbose", options.verbose, "Print more messages to standard error")->group(kMessages);
  app.add_flag("-q,--quiet", options.quiet, "Print only errors, and no progress")->group(kMessages);
  app.add_flag("--no-color", options.no_color,
               "Print without colours, like the environment variable NO_COLOR")
      ->group(kMessages);
  app.add_flag("--version", options.version,
               "Print the versions of the program and of its libraries, and exit")
      ->group(kMessages);
  app.add_option("--plugin", options.plugins,
                 "Load a family from the shared object FILE, see flashcore.h; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->group(kPlugins);
  app.add_flag("--force", options.force, "Let outputs replace files that are not of this program")
      ->group(kFiles);
}

// The message of a log line. Messages hold foreign text: names, paths, reasons.
class PrintableMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& line) override {
    const std::string text = printable({message.payload.data(), message.payload.size()});
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<PrintableMessage>();
  }
};

void set_up_log(const CommonOptions& options) {
  if (options.quiet && options.verbose > 0) throw UsageError("--quiet: cannot be combined with --verbose");
  auto logger = std::make_shared<spdlog::logger>(kName, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PrintableMessage>('*').set_pattern("%n: %l: %*");
  logger->set_formatter(std::move(formatter));
  logger->set_level(options.quiet         ? spdlog::level::err
                    : options.verbose > 0 ? spdlog::level::debug
                                          : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Throws UsageError for a word that is not an option or command here.
[[noreturn]] void reject(const CLI::App& app, const std::string& word) {
  const bool is_option = word.starts_with('-');
  std::vector<std::string> names;
  if (is_option) {
    names = long_names(app);
    for (const CLI::App* command : app.get_subcommands()) {
      for (std::string& name : long_names(*command)) names.push_back(std::move(name));
    }
  } else {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(command->get_name());
    }
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string typed = word.substr(0, word.find('='));
  const std::string_view nearest = nearest_word(typed, candidates);
  if (nearest == typed) throw UsageError(fmt::format("{} cannot be used here; give only one command", typed));
  throw UsageError(fmt::format("unknown {} {}{}", is_option ? "option" : "command", typed,
                               nearest.empty() ? fmt::format("; {} --help lists them", kName)
                                               : fmt::format(", did you mean {}?", nearest)));
}

bool is_common(const CLI::Option& option) {
  const std::string& group = option.get_group();
  return group == kMessages || group == kPlugins || group == kFiles;
}

bool is_run(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() || commands.front()->get_name() == kDefaultCommand;
}

void reject_run_options(const CLI::App& app) {
  if (is_run(app)) return;
  const auto commands = app.get_subcommands();
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0 && !is_common(*option)) {
      throw UsageError(fmt::format("{}: is an option of run, not of {}; see {} {} --help", option->get_name(),
                                   commands.front()->get_name(), kName, commands.front()->get_name()));
    }
  }
}

// Returns false after it has printed help.
bool parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return false;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::ranges::replace(message, '\n', ' ');
    throw UsageError(message);
  }
  std::vector<std::string> unknown = app.remaining(true);
  if (is_run(app)) std::erase(unknown, kStandardOutput);
  if (!unknown.empty()) reject(app, unknown.front());
  reject_run_options(app);
  return true;
}

constexpr const char* kTimeout = "--timeout";
constexpr double kUsualTimeoutSeconds = 30;

// The option if it stands on the command line; else null.
const CLI::Option* given_option(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands()) {
    const CLI::Option* option = command->get_option_no_throw(name);
    if (option != nullptr && option->count() > 0) return option;
  }
  const CLI::Option* option = app.get_option_no_throw(name);
  return option != nullptr && option->count() > 0 ? option : nullptr;
}

// The time limit of a plug-in's code outside of records. The plan reports a wrong value.
double plugin_timeout_s(const CLI::App& app) {
  const CLI::Option* option = given_option(app, kTimeout);
  double seconds = 0;
  const bool is_number = option != nullptr && CLI::detail::lexical_cast(option->results().back(), seconds);
  return is_number && seconds > 0 ? seconds : kUsualTimeoutSeconds;
}

void load(const std::string& path, std::string_view where, bool here, double timeout_s) {
  if (here) {
    load_plugin(path, where);
  } else {
    describe_plugin(path, where, timeout_s);
  }
}

// Plug-ins' code runs in this process only for these flags: the user asks for it, or the process was started for it.
void load_plugins(const CLI::App& app, const std::vector<std::string>& paths) {
  if (given_option(app, "--child") != nullptr)
    return;  // it loads them once its output cannot disturb its parent
  const bool here =
      given_option(app, "--in-process") != nullptr || given_option(app, "--one-launch") != nullptr;
  for (const std::string& path : paths) load(path, "--plugin", here, plugin_timeout_s(app));
}

// A plug-in whose code has failed where a command goes on without it.
ExitCode report_plugin_failures(ExitCode code) {
  const std::vector<std::string> failures = description_failures();
  for (const std::string& line : failures) spdlog::warn("{}", line);
  return code == ExitCode::ok && !failures.empty() ? ExitCode::environment : code;
}

// For packages; users find the scripts installed. Like `worker`, it is not listed in help.
void add_completion_command(CLI::App& app, Action& action) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print what bash, zsh or fish completes");
  command->group("");
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->type_name("SHELL");
  command->callback([&app, &action, shell] {
    action = [&app, shell](const Session&) {
      const std::optional<Shell> known = parse_word<Shell>(*shell);
      if (!known) {
        throw UsageError(
            fmt::format("completion: unknown shell \"{}\"{}", *shell, suggestion(*shell, words(Shell{}))));
      }
      fmt::print("{}", completion_script(*known, completion_tree(app, kDefaultCommand, is_common), kName));
      return ExitCode::ok;
    };
  });
}

void add_commands(CLI::App& app, Action& action) {
  add_run_command(app, action);
  add_list_command(app, action);
  add_info_command(app, action);
  add_profile_command(app, action);
  add_tune_command(app, action);
  add_merge_command(app, action);
  add_compare_command(app, action);
  add_report_command(app, action);
  add_worker_command(app, action);
  add_diagnose_command(app, action);
  add_completion_command(app, action);
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->fallthrough();
    command->allow_extras();
  }
  app.require_subcommand(0, 1);
}

bool wants_color(const CommonOptions& options) {
  const char* no_color = std::getenv("NO_COLOR");
  return !options.no_color && (no_color == nullptr || *no_color == '\0') && is_terminal(STDOUT_FILENO);
}

}  // namespace

Session with_plugins_of(const JsonDocument& config, const Session& session, bool in_process) {
  Session with = session;
  for (const ConfigPlugin& plugin : config_plugins(config)) {
    if (std::ranges::count(with.plugins, plugin.path) > 0) continue;
    load(plugin.path, plugin.where, in_process, session.plugin_timeout_s);
    with.plugins.push_back(plugin.path);
  }
  return with;
}

void add_plugin_timeout(CLI::App& command) {
  command
      .add_option_function<double>(
          kTimeout, [](double) {},
          "End the process that asks a plug-in if an answer takes longer than SECONDS")
      ->type_name("SECONDS")
      ->check(CLI::PositiveNumber);
}

ExitCode run_program(int argc, const char* const* argv) {
  CLI::App app("Checks, times and tunes fused attention kernels on this machine.", kName);
  app.footer(
      "Exit codes: 0 success, 1 a variant is incorrect or compare found a regression, 2 the command line\n"
      "            or config is wrong, 3 compare cannot tell, 4 the device or environment failed,\n"
      "            130 interrupted.");
  app.allow_extras();
  CommonOptions common;
  Action action;
  add_commands(app, action);
  add_common_options(app, common);

  if (!parse(app, argc, argv)) return ExitCode::ok;
  if (common.version) {
    fmt::print("{}", version_text());
    return ExitCode::ok;
  }
  set_up_log(common);
  note_inputs(true);
  load_plugins(app, common.plugins);
  return report_plugin_failures(action({.command_line = {argv, argv + argc},
                                        .plugins = common.plugins,
                                        .plugin_timeout_s = plugin_timeout_s(app),
                                        .quiet = common.quiet,
                                        .force = common.force,
                                        .color = wants_color(common)}));
}

}  // namespace flashcore
