// flashcore-bench worker: what other commands start to run variants in; see worker/worker_executor.hpp.
#include <memory>

#include "cli/command.hpp"
#include "config/plan.hpp"
#include "worker/serve.hpp"

namespace flashcore {

void add_worker_command(CLI::App& app, Action& action) {
  struct Options {
    std::string device = "auto";
    std::vector<std::string> plugins;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "worker",
      "For programs: answer requests for checks and samples, JSON lines on standard input and output");
  command->group("");
  command->add_option("--device", options->device, "auto, cpu, cuda or cuda:N");
  command->add_option("--plugin", options->plugins, "A shared object that brings a family; repeatable")
      ->allow_extra_args(false);
  command->callback([options, &action] {
    action = [options](const Session&) {
      serve(parse_device(options->device, "--device"), options->plugins);
      return ExitCode::ok;
    };
  });
}

}  // namespace flashcore
