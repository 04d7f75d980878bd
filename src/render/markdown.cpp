#include "render/markdown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "attention/problem_fields.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "conclude/conclusion.hpp"
#include "conclude/shortfall.hpp"
#include "measure/statistics.hpp"
#include "record/ranking.hpp"
#include "render/conclusion_text.hpp"
#include "render/file_names.hpp"

namespace flashcore {
namespace {

// How the records of a file are read.
struct Reading {
  std::string baseline;  // a glob
  MeasurePolicy rule;    // of the run
};

// As code, unless the id has characters that code within a table cannot hold.
std::string code(std::string_view id) {
  if (id.find_first_of("`|\\") != std::string_view::npos) return escape_markdown(id);
  return fmt::format("`{}`", printable(id));
}

std::string text_at(const Json& json, const char* pointer) {
  const Json::json_pointer place{pointer};
  if (!json.contains(place)) return "";
  const Json& value = json.at(place);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string environment_line(const Json& environment) {
  const std::pair<const char*, const char*> fields[] = {
      {"", "/device/name"},     {"driver ", "/nvml/driver_version"}, {"CUDA ", "/cuda/runtime_version"},
      {"version ", "/version"}, {"commit ", "/git/commit"},          {"", "/time"}};
  std::vector<std::string> parts;
  for (const auto& [label, pointer] : fields) {
    const std::string text = text_at(environment, pointer);
    if (!text.empty()) parts.push_back(label + escape_markdown(text));
  }
  return fmt::format("{}\n", fmt::join(parts, ", "));
}

std::string median_cell(const Record& record, TimingMode mode) {
  const auto& timing = record.timings[mode];
  return timing ? format_significant(timing->median, 4) : std::string(kNothing);
}

std::string count_cell(const Record& record, const MeasurePolicy& rule) {
  return fmt::format("{}{}", record.headline()->samples.size(),
                     shortfall(record, rule).any() ? fmt::format(" {}", kShortSign) : "");
}

std::string timed_row(const Record& record, const Record& baseline, const MeasurePolicy& rule) {
  std::vector<std::string> cells = {code(record.variant_id())};
  for (const TimingMode mode : kAll<TimingMode>) cells.push_back(median_cell(record, mode));
  cells.push_back(fmt::format("{:.1f} %", 50 * relative_width(*record.headline())));
  cells.push_back(count_cell(record, rule));
  cells.push_back(format_significant(baseline.headline()->median / record.headline()->median, 3) + "×");
  cells.push_back(record.tflops ? format_significant(*record.tflops, 3) : std::string(kNothing));
  cells.push_back(record.check ? format_error(record.check->error.rel_l2) : std::string(kNothing));
  cells.push_back(record.check ? format_error(record.check->limit.rel_l2) : std::string(kNothing));
  const int registers = record.resources ? record.resources->registers : 0;
  cells.push_back(registers > 0 ? fmt::format("{}", registers) : std::string(kNothing));
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string timed_table(std::span<const Record> records, const Reading& reading) {
  const Record* baseline = find_baseline_or_first(records, reading.baseline);
  if (baseline == nullptr) return "";
  std::vector<std::string> titles = {"variant"};
  for (const TimingMode mode : kAll<TimingMode>) titles.push_back(fmt::format("{} µs", to_string(mode)));
  for (const char* title : {"±", "n", "speed-up", "TFLOP/s", "rel L2", "limit", "registers"})
    titles.emplace_back(title);
  std::string table = fmt::format("\n| {} |\n|---|", fmt::join(titles, " | "));
  for (std::size_t column = 1; column < titles.size(); ++column) table += "---:|";
  table += "\n";
  const std::vector<const Record*> best = best_of_families(records);
  for (const Record* record : best) table += timed_row(*record, *baseline, reading.rule);
  const auto falls_short = [&](const Record* record) { return shortfall(*record, reading.rule).any(); };
  if (std::ranges::any_of(best, falls_short)) {
    table += fmt::format("\n{} {}\n", kShortSign, meaning_of_short(reading.rule));
  }
  return table + fmt::format("\nSpeed-up over {}.\n", code(baseline->variant_id()));
}

std::string failures(std::span<const Record> records) {
  std::string list;
  std::size_t unsupported = 0;
  for (const Record& record : records) {
    if (record.status == Status::unsupported) ++unsupported;
    if (record.status == Status::ok || record.status == Status::unsupported) continue;
    list += fmt::format("- **{}** {}: {}\n", to_string(record.status), code(record.variant_id()),
                        escape_markdown(record.reason));
  }
  if (unsupported > 0) list += fmt::format("- {} variants cannot run this problem\n", unsupported);
  return list.empty() ? "" : "\n" + list;
}

std::string problem_section(std::span<const Record> records, const Reading& reading) {
  const Problem& problem = records.front().problem;
  const std::string sizes = escape_markdown(problem_sizes(problem));
  const std::string title = is_named(problem) ? escape_markdown(problem.name) + ": " + sizes : sizes;
  return fmt::format("\n### {}\n{}{}", title, timed_table(records, reading), failures(records));
}

// The answer, then a list of sentences: other means, each problem, what makes the times less certain.
std::string conclusion_list(const Conclusion& conclusion, const Json& environment) {
  const std::string answer = headline(conclusion, environment);
  std::string list = fmt::format("**{}**\n\n", escape_markdown(answer));
  if (const std::string total = total_sentence(conclusion); !total.empty()) {
    list += fmt::format("- {}\n", escape_markdown(total));
  }
  for (const std::string& mean : mean_sentences(conclusion)) {
    if (!answer.ends_with(mean)) list += fmt::format("- {}\n", escape_markdown(mean));
  }
  for (const ProblemConclusion& problem : conclusion.problems()) {
    list += fmt::format("- **{}**: {}\n", escape_markdown(problem.problem), sentence(problem, code));
  }
  const auto falls_short = [](const ProblemConclusion& problem) {
    return (problem.baseline && problem.baseline->falls_short) || (problem.peer && problem.peer->falls_short);
  };
  if (std::ranges::any_of(conclusion.problems(), falls_short)) {
    list += fmt::format("- {} {}\n", kShortSign, meaning_of_short(conclusion.policy()));
  }
  for (const std::string& caveat : file_cautions(conclusion, environment)) {
    list += fmt::format("- caution: {}\n", escape_markdown(caveat));
  }
  return list + "\n";
}

}  // namespace

std::string markdown_report(std::span<const ResultFile> files, const std::string& baseline) {
  std::string text = "# Fused attention: results\n";
  std::vector<std::string> paths;
  for (const ResultFile& file : files) paths.push_back(file.path);
  const std::vector<std::string> names = short_names(paths);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const ResultFile& file = files[i];
    const ProblemGroups problems(file.records);
    const Conclusion conclusion = conclude_file(problems, baseline, file.config);
    const Reading reading{conclusion.baseline(), conclusion.policy()};
    text += fmt::format("\n## {}\n\n{}{}", escape_markdown(names[i]),
                        conclusion_list(conclusion, file.environment), environment_line(file.environment));
    for (const std::span<const Record> records : problems) text += problem_section(records, reading);
  }
  return text;
}

}  // namespace flashcore
