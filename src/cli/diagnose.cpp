// flashcore-bench diagnose: which part of a kernel is wrong, seen from outside.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/error.hpp"
#include "cli/command.hpp"
#include "cli/format_options.hpp"
#include "cli/subject.hpp"
#include "device/device.hpp"
#include "diagnose/child_diagnosis.hpp"
#include "diagnose/diagnosis.hpp"
#include "diagnose/probes.hpp"
#include "plugin/plugin.hpp"
#include "registry/supports.hpp"
#include "worker/described_plugin.hpp"

namespace flashcore {
namespace {

constexpr const char* kChildFlag = "--child";
constexpr const char* kUsualProblem = "batch=1,heads_q=2,seq_q=256";

struct DiagnoseOptions {
  SubjectRequest request = {.command = "diagnose", .participle = "diagnosed", .problem = kUsualProblem};
  FormatOptions formats;
  std::string html;  // a file; empty: no page
  bool in_process = false;
  bool child = false;  // this process makes the diagnosis for its parent
};

// The variant's own kind of device, unless --device names one.
DeviceRequest choose_device(const Subject& subject) {
  using Kind = DeviceRequest::Kind;
  const Kind own = subject.variant->backend == Backend::cpu ? Kind::cpu : Kind::cuda;
  DeviceRequest device = subject.plan.device;
  if (device.kind == Kind::automatic) device.kind = own;
  if (device.kind != own) {
    throw UsageError(fmt::format("--device: {} runs on {}", subject.variant->id(),
                                 device_phrase(subject.variant->backend)));
  }
  return device;
}

// --html is short for --write html=FILE.
FormatChoice choose_formats(const DiagnoseOptions& options, bool force) {
  FormatOptions formats = options.formats;
  if (!options.html.empty()) formats.writes.push_back("html=" + options.html);
  return choose_formats(formats, Content::diagnosis, force);
}

Diagnosis make_diagnosis(const DiagnoseOptions& options, const Subject& subject, const DeviceRequest& device,
                         const Session& session) {
  const Problem& problem = subject.plan.problems.front();
  const auto log = [](Probe probe) { spdlog::debug("{}: {}", to_string(probe), question_of(probe)); };
  if (options.in_process) {
    return diagnose(open_launcher(device), *subject.variant, problem, subject.plan.policy.seed,
                    {.on_probe = log});
  }
  end_descriptions();
  std::vector<std::string> arguments = session.command_line;
  arguments.emplace_back(kChildFlag);
  return receive_diagnosis({.arguments = arguments, .timeout_s = subject.plan.policy.measure.timeout_s},
                           *subject.variant, problem, log);
}

void serve_parent(const DiagnoseOptions& options, const Session& session) {
  serve_diagnosis([&]() -> DiagnosisTask {
    for (const std::string& path : session.plugins) load_plugin(path, "--plugin");
    const Subject subject = make_subject(options.request);
    return {choose_device(subject), subject.variant, subject.plan.problems.front(), subject.plan.policy.seed};
  });
}

ExitCode diagnose_variant(const DiagnoseOptions& options, const Session& session) {
  if (options.child) {
    serve_parent(options, session);
    return ExitCode::ok;
  }
  const Subject subject = make_subject(options.request);
  const DeviceRequest device = choose_device(subject);
  FormatChoice choice = choose_formats(options, session.force);
  Diagnosis diagnosis = make_diagnosis(options, subject, device, session);
  diagnosis.plugins = session.plugins;
  diagnosis.device_flag = options.request.overrides.device.value_or("");
  if (options.request.overrides.seed) diagnosis.seed = subject.plan.policy.seed;
  write_formats(choice, {.color = session.color}, [&](const OutputFormat& format, const TextOptions& text) {
    return format.diagnosis(diagnosis, text);
  });
  if (diagnosis.crashed()) return ExitCode::environment;
  return diagnosis.healthy() ? ExitCode::ok : ExitCode::failed_check;
}

}  // namespace

void add_diagnose_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<DiagnoseOptions>();
  CLI::App* command = app.add_subcommand(
      "diagnose", "Say which part of a variant is wrong, where, and by which probes one knows");
  SubjectRequest& request = options->request;
  command->add_option("variant", request.variant, "An id, or a glob that matches one variant")
      ->required()
      ->type_name("ID");
  command
      ->add_option("--problem", request.problem,
                   "batch=1,heads_q=2,seq_q=256,…; dtype and head_dim are the variant's")
      ->type_name("PROBLEM")
      ->capture_default_str();
  command->add_option("--device", request.overrides.device, "cpu, cuda or cuda:N; else the variant's own")
      ->type_name("DEVICE");
  command->add_option("--seed", request.overrides.seed, "Seed of the inputs")->type_name("N");
  command
      ->add_option("--timeout", request.overrides.timeout_s,
                   "Kill the process that runs the variant if one launch takes longer than SECONDS")
      ->type_name("SECONDS");
  command->add_flag("--in-process", options->in_process,
                    "Run the variant in this process, for debuggers and compute-sanitizer");
  command->add_flag(kChildFlag, options->child)->group("");
  add_format_options(*command, options->formats, Content::diagnosis, "Output");
  command->add_option("--html", options->html, "Same as --write html=FILE")
      ->type_name("FILE")
      ->group("Output");
  command->callback([options, &action] {
    action = [options](const Session& session) { return diagnose_variant(*options, session); };
  });
}

}  // namespace flashcore
