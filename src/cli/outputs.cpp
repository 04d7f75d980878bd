#include "cli/outputs.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <iostream>

#include "base/error.hpp"
#include "cli/plan_options.hpp"
#include "results/environment.hpp"

namespace flashcore {
namespace {

// By default the device's folder and the time make the name.
std::string path_of(const ReportTarget& target, const Plan& plan, const DeviceInfo& device) {
  if (!target.path.empty()) return target.path;
  return fmt::format("results/{}/{}-{:%Y%m%d-%H%M%S}", device_folder(device), plan.name,
                     fmt::localtime(std::time(nullptr)));
}

std::string without_extension(const ReportPolicy& policy) {
  std::string path = policy.output;
  for (const std::string_view extension : format_extensions(Content::run)) {
    if (!path.ends_with(extension)) continue;
    path.resize(path.size() - extension.size());
    break;
  }
  if (!policy.output.empty() && (path.empty() || path.ends_with('/'))) {
    throw UsageError(policy.output_place + ": must be a path that ends in a file name");
  }
  return path;
}

}  // namespace

std::vector<Sink*> Outputs::pointers() const {
  std::vector<Sink*> all;
  for (const auto& sink : sinks) all.push_back(sink.get());
  return all;
}

ReportTarget report_target(const Plan& plan) {
  ReportTarget target{without_extension(plan.report), {}};
  for (const ReportPolicy::Format& format : plan.report.formats) {
    target.formats.push_back(&find_format(format.name, Content::run, format.where));
  }
  if (!target.formats.empty()) return target;
  for (const OutputFormat* format : output_formats()) {
    if (format->can_show(Content::run) && format->by_default) target.formats.push_back(format);
  }
  return target;
}

Outputs open_outputs(const ReportTarget& target, const Plan& plan, const DeviceInfo& device,
                     const Session& session, ProgressLine& progress) {
  Outputs outputs;
  const std::string path = path_of(target, plan, device);
  const Json config = plan.config;
  const Json environment = make_environment({.device = device,
                                             .host_cpu = cpu_device(),
                                             .cuda = cuda_status(),
                                             .command_line = session.command_line,
                                             .config = config});
  const TableOptions table{.color = session.color,
                           .width = terminal_width(STDOUT_FILENO, kWidthWithoutTerminal),
                           .baseline = plan.baseline,
                           .rule = plan.policy.measure,
                           .before_output = [&progress] { progress.erase(); }};
  for (const OutputFormat* format : target.formats) {
    const std::string_view extension = format->extensions.front();
    const std::string file = extension.empty() ? "" : fmt::format("{}{}", path, extension);
    try {
      outputs.sinks.push_back(format->run({.path = file,
                                           .environment = environment,
                                           .config = config,
                                           .terminal = std::cout,
                                           .table = table}));
    } catch (const EnvironmentError& error) {
      throw UsageError(fmt::format("--output: {}", error.what()));
    }
    if (!file.empty()) outputs.files.push_back(file);
  }
  return outputs;
}

}  // namespace flashcore
