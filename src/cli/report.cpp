// flashcore-bench report: result files as a page for the browser, as Markdown or as CSV. Touches no device.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "base/atomic_file.hpp"
#include "base/names.hpp"
#include "cli/command.hpp"
#include "cli/rule_options.hpp"
#include "compare/compare_files.hpp"
#include "render/comparison_output.hpp"
#include "render/html.hpp"
#include "render/markdown.hpp"
#include "render/page_data.hpp"
#include "results/csv.hpp"
#include "results/result_set.hpp"

namespace flashcore {
namespace {

struct ReportOptions {
  std::vector<std::string> results;
  std::string output;    // empty: standard output
  std::string format;    // empty: by the output's extension
  std::string baseline;  // empty: the one of each file's config
  std::string base;      // empty: nothing to compare with
  RuleOptions rule;      // of the comparison with `base`
  std::vector<CLI::Option*> rule_options;
};

using Files = std::span<const ResultFile>;

std::string html_text(Files files, const ReportOptions& options) {
  Json data = page_data(files, options.baseline);
  if (!options.base.empty()) {
    const std::vector<ResultFile> base = read_result_set({&options.base, 1});
    data["comparison"] = to_json(compare_files(base, files, make_policy(options.rule)));
  }
  return html_report(data);
}

std::string markdown_text(Files files, const ReportOptions& options) {
  return markdown_report(files, options.baseline);
}

std::string csv_text(Files files, const ReportOptions&) {
  std::string text = csv_header();
  for (const ResultFile& file : files) {
    for (const Record& record : file.records) text += csv_row(record);
  }
  return text;
}

struct ReportFormat {
  std::string_view name;
  std::array<std::string_view, 2> extensions;
  std::string (*render)(Files, const ReportOptions&);
};

constexpr ReportFormat kFormats[] = {{"html", {".html", ".htm"}, html_text},
                                     {"markdown", {".md", ".markdown"}, markdown_text},
                                     {"csv", {".csv", ".csv"}, csv_text}};

const ReportFormat& find_format(const ReportOptions& options) {
  if (!options.format.empty()) {
    const auto named = std::ranges::find(kFormats, options.format, &ReportFormat::name);
    if (named != std::end(kFormats)) return *named;
    std::vector<std::string_view> names;
    for (const ReportFormat& format : kFormats) names.push_back(format.name);
    throw UsageError(
        fmt::format("--format: \"{}\" is no format{}", options.format, suggestion(options.format, names)));
  }
  if (options.output.empty()) throw UsageError("--format: html, markdown or csv, or --output with a file");
  const std::string extension = std::filesystem::path(options.output).extension().string();
  for (const ReportFormat& format : kFormats) {
    if (std::ranges::count(format.extensions, extension) > 0) return format;
  }
  throw UsageError(fmt::format("--output: \"{}\" does not end in .html, .md or .csv; say which with --format",
                               options.output));
}

// Writing over a result file would lose it.
void refuse_own_input(const ReportOptions& options, Files files) {
  for (const ResultFile& file : files) {
    std::error_code ignored;
    if (std::filesystem::equivalent(file.path, options.output, ignored)) {
      throw UsageError(fmt::format("--output: {} is one of the result files", options.output));
    }
  }
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

void refuse_rule_without_base(const ReportOptions& options) {
  if (!options.base.empty()) return;
  for (const CLI::Option* option : options.rule_options) {
    if (option->count() > 0) throw UsageError(option->get_name() + ": needs --base");
  }
}

ExitCode write_report(const ReportOptions& options) {
  refuse_rule_without_base(options);
  const ReportFormat& format = find_format(options);
  if (!options.base.empty() && format.render != html_text) {
    throw UsageError("--base: belongs to html; flashcore-bench compare writes Markdown and other forms");
  }
  const std::vector<ResultFile> files = read_result_set(options.results);
  if (std::ranges::all_of(files, [](const ResultFile& file) { return file.records.empty(); })) {
    throw UsageError(fmt::format("{}: there is no record to report", fmt::join(options.results, ", ")));
  }
  check_baseline(options, files);
  const std::string text = format.render(files, options);
  if (options.output.empty()) {
    fmt::print("{}", text);
    return ExitCode::ok;
  }
  refuse_own_input(options, files);
  write_atomically(options.output, {text});
  spdlog::info("wrote {}", options.output);
  return ExitCode::ok;
}

}  // namespace

void add_report_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand(
      "report", "Show result files as a page for the browser, as Markdown or as CSV; needs no device");
  command->add_option("results", options->results, "Result files, or folders of them")->required();
  command->add_option("-o,--output", options->output, "The file to write; standard output without it");
  command->add_option("--format", options->format, "html, markdown or csv; else by the output's extension");
  command->add_option("--baseline", options->baseline,
                      "Speed-ups are over the first match of this glob; else over that of the run's config");
  command->add_option("--base", options->base,
                      "A result file or folder that the page compares with, as compare does");
  options->rule_options = add_rule_options(*command, options->rule, "The rule of --base");
  command->callback(
      [options, &action] { action = [options](const Session&) { return write_report(*options); }; });
}

}  // namespace flashcore
