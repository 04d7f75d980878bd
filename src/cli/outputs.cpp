#include "cli/outputs.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <iostream>

#include "base/error.hpp"
#include "base/terminal.hpp"
#include "cli/plan_options.hpp"
#include "results/environment.hpp"

namespace flashcore {
namespace {

constexpr int kMaxDefaultNames = 10'000;

std::string default_path(const Plan& plan, const DeviceInfo& device) {
  return fmt::format("results/{}/{}-{:%Y%m%d-%H%M%S}", device_folder(device), plan.name,
                     fmt::localtime(std::time(nullptr)));
}

// Throws UsageError if the system refuses what `open` opens.
template <class Open>
auto open_or_usage_error(const Open& open) {
  try {
    return open();
  } catch (const EnvironmentError& error) {
    throw UsageError(fmt::format("--output: {}", error.what()));
  }
}

struct RunContent {
  const Json& environment;
  const Json& config;
  const TableOptions& table;
};

// A device or a FIFO is written to under its own name, by every format.
Outputs open_files(const ReportTarget& target, OutputTarget file, const RunContent& content) {
  Outputs outputs;
  const std::string path = file.path.string();  // may be standard output
  const bool is_stream = kind_of(path) == PathKind::stream;
  for (const OutputFormat* format : target.formats) {
    const std::string_view extension = format->extensions.front();
    file.path = is_stream ? path : fmt::format("{}{}", path, extension);
    outputs.sinks.push_back(open_or_usage_error([&] {
      return format->run({.file = file,
                          .environment = content.environment,
                          .config = content.config,
                          .terminal = std::cout,
                          .table = content.table});
    }));
    if (!extension.empty() && target.path != kStandardOutput) outputs.files.push_back(file.path.string());
  }
  return outputs;
}

// Runs that start in the same second take different numbers.
Outputs open_default_files(const ReportTarget& target, const std::string& path, const RunContent& content) {
  for (int number = 1; number < kMaxDefaultNames; ++number) {
    OutputTarget file(number == 1 ? path : fmt::format("{}-{}", path, number));
    file.must_be_new = true;
    try {
      return open_files(target, file, content);
    } catch (const FileExists&) {
      // The next number may be free.
    }
  }
  throw EnvironmentError(
      fmt::format("{}: every number of this name is taken; name a file with --output", path));
}

// One format, json if the flag names none: a config's formats are for its files.
std::vector<const OutputFormat*> standard_output_formats(const ReportPolicy& policy) {
  const auto of_flag = [](const ReportPolicy::Format& format) { return format.where.starts_with("--"); };
  if (policy.formats.empty() || !of_flag(policy.formats.front())) {
    return {&find_format("json", Content::run, policy.output_place)};
  }
  if (policy.formats.size() > 1) {
    throw UsageError(fmt::format("{}: standard output takes one format, not {}", policy.formats.front().where,
                                 policy.formats.size()));
  }
  return {&find_format(policy.formats.front().name, Content::run, policy.formats.front().where)};
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
  if (target.path == kStandardOutput) {
    target.formats = standard_output_formats(plan.report);
    return target;
  }
  for (const ReportPolicy::Format& format : plan.report.formats) {
    target.formats.push_back(&find_format(format.name, Content::run, format.where));
  }
  if (!target.formats.empty()) return target;
  // A check without times is for who asks: it leaves files only where they are named.
  const bool only_prints = plan.policy.measure.modes.empty() && target.path.empty();
  for (const OutputFormat* format : output_formats()) {
    if (!format->can_show(Content::run) || !format->by_default) continue;
    if (!only_prints || format->extensions.front().empty()) target.formats.push_back(format);
  }
  return target;
}

Outputs open_outputs(const ReportTarget& target, const Plan& plan, const DeviceInfo& device,
                     const Session& session, ProgressLine& progress) {
  const Json config = plan.config;
  const Json environment = make_environment({.device = device,
                                             .host_cpu = cpu_device(),
                                             .cuda = cuda_status(),
                                             .command_line = session.command_line,
                                             .config = config});
  const TableOptions table{.color = session.color,
                           .width = output_width(),
                           .baseline = plan.baseline,
                           .rule = plan.policy.measure,
                           .before_output = [&progress] { progress.erase(); }};
  const RunContent content{environment, config, table};
  if (target.path.empty()) return open_default_files(target, default_path(plan, device), content);
  return open_files(target, {target.path, "--output", session.force}, content);
}

OutputFile open_output(const OutputTarget& target, FileKind kind, std::string_view initial) {
  return open_or_usage_error([&] { return OutputFile(target, kind, initial); });
}

}  // namespace flashcore
