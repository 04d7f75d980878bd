// flashcore-bench report: result files in a format for people. Uses no device.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "base/names.hpp"
#include "base/terminal.hpp"
#include "cli/command.hpp"
#include "cli/rule_options.hpp"
#include "compare/compare_files.hpp"
#include "render/formats.hpp"
#include "results/result_set.hpp"

namespace flashcore {
namespace {

struct ReportOptions {
  std::vector<std::string> results;
  std::string output;    // empty: standard output
  std::string format;    // empty: by the output's extension
  std::string baseline;  // empty: the baseline of each file's config
  std::string base;      // empty: no comparison
  bool json = false;
  RuleOptions rule;  // of the comparison with `base`
  std::vector<CLI::Option*> rule_options;
};

using Files = std::span<const ResultFile>;

const OutputFormat& choose_format(const ReportOptions& options) {
  if (options.json && !options.format.empty()) throw UsageError("--json: cannot be combined with --format");
  if (options.json) return find_format("json", Content::results, "--json");
  if (!options.format.empty()) return find_format(options.format, Content::results, "--format");
  if (options.output.empty() || options.output == kStandardOutput) {
    return find_format(options.base.empty() ? "table" : "markdown", Content::results, "--format");
  }
  if (const OutputFormat* format = find_format_of(options.output, Content::results)) return *format;
  throw UsageError(fmt::format("--output: \"{}\" does not end in {}; name a format with --format",
                               options.output, fmt::join(format_extensions(Content::results), ", ")));
}

void check_base(const ReportOptions& options, const OutputFormat& format) {
  if (options.base.empty()) {
    for (const CLI::Option* option : options.rule_options) {
      if (option->count() > 0) throw UsageError(option->get_name() + ": needs --base");
    }
  } else if (!format.shows_comparison) {
    throw UsageError(fmt::format("--base: {} shows no comparison; flashcore-bench compare writes {}",
                                 format.name, fmt::join(format_names(Content::comparison), ", ")));
  }
}

std::string render(const OutputFormat& format, Files files, const ReportOptions& options,
                   const TextOptions& text) {
  ResultsOutput output{.files = files, .baseline = options.baseline, .text = text};
  if (options.base.empty()) return format.results(output);
  const Comparison comparison = compare_files(read_result_set({&options.base, 1}),
                                              {files.begin(), files.end()}, make_policy(options.rule));
  output.comparison = &comparison;
  output.base = options.base;
  return format.results(output);
}

void check_baseline(const ReportOptions& options, Files files) {
  if (options.baseline.empty()) return;
  for (const ResultFile& file : files) {
    const auto matches = [&](const Record& record) {
      return glob_match(options.baseline, record.variant_id());
    };
    if (std::ranges::any_of(file.records, matches)) return;
  }
  throw UsageError(fmt::format("--baseline: \"{}\" matches no variant of the results", options.baseline));
}

ExitCode write_report(const ReportOptions& options, const Session& session) {
  const OutputFormat& format = choose_format(options);
  check_base(options, format);
  const std::vector<ResultFile> files = read_result_set(options.results);
  if (std::ranges::all_of(files, [](const ResultFile& file) { return file.records.empty(); })) {
    throw UsageError(fmt::format("{}: there is no record to report", fmt::join(options.results, ", ")));
  }
  check_baseline(options, files);
  const bool prints = options.output.empty() || options.output == kStandardOutput;
  const TextOptions text_options =
      prints ? TextOptions{.width = output_width(), .color = session.color} : TextOptions{};
  const std::string text = render(format, files, options, text_options);
  if (prints) {
    fmt::print("{}", text);
    return ExitCode::ok;
  }
  OutputFile file({options.output, "--output", session.force}, format.kind_of(Content::results));
  write_format(file, format, text);
  spdlog::info("wrote {}", options.output);
  return ExitCode::ok;
}

}  // namespace

void add_report_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      app.add_subcommand("report", "Show result files in a format for people; needs no device");
  command->add_option("results", options->results, "Result files, or folders of them")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "Write to this file; default, or -: standard output")
      ->type_name("FILE");
  command
      ->add_option("--format", options->format,
                   fmt::format("Write in this format: {}; default: by the output's extension, else table",
                               fmt::join(format_names(Content::results), ", ")))
      ->type_name("FORMAT");
  command->add_flag("--json", options->json, kJsonHelp);
  command
      ->add_option(
          "--baseline", options->baseline,
          "Show speed-ups over the first variant that matches; default: the baseline of the run's config")
      ->type_name("GLOB");
  command
      ->add_option("--base", options->base,
                   "Show verdicts against this result file or folder, as compare finds them")
      ->type_name("FILE");
  options->rule_options = add_rule_options(*command, options->rule, "The rule of --base");
  command->footer(format_help(Content::results) + "\n" + command->get_footer());
  command->callback([options, &action] {
    action = [options](const Session& session) { return write_report(*options, session); };
  });
}

}  // namespace flashcore
