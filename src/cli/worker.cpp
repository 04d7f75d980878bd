// flashcore-bench worker: the process in which other commands run variants; see worker/worker_executor.hpp.
#include <memory>

#include "cli/command.hpp"
#include "config/plan.hpp"
#include "worker/described_plugin.hpp"
#include "worker/serve.hpp"

namespace flashcore {

void add_worker_command(CLI::App& app, Action& action) {
  struct Options {
    std::string device = "auto";
    std::vector<std::string> plugins;
    std::string described;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "worker", "Answer requests for checks and samples in JSON lines on standard input and output");
  command->group("");
  command->add_option("--device", options->device, "Run on auto, cpu, cuda or cuda:N")->type_name("DEVICE");
  command->add_option("--plugin", options->plugins, "Load a family from the shared object FILE; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--describe", options->described,
                   "Answer questions about the plug-in FILE, without a device")
      ->type_name("FILE");
  command->callback([options, &action] {
    action = [options](const Session&) {
      if (!options->described.empty()) {
        serve_description(options->described);
        return ExitCode::ok;
      }
      serve(parse_device(options->device, "--device"), options->plugins);
      return ExitCode::ok;
    };
  });
}

}  // namespace flashcore
