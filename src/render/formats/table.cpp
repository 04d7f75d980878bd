#include <memory>
#include <sstream>

#include "base/text.hpp"
#include "conclude/shortfall.hpp"
#include "record/ranking.hpp"
#include "render/comparison_output.hpp"
#include "render/diagnosis_output.hpp"
#include "render/file_names.hpp"
#include "render/formats.hpp"
#include "render/history_output.hpp"

namespace flashcore {
namespace {

// The tables of the run, and its conclusion.
std::string results_table(const ResultsOutput& output) {
  std::vector<std::string> paths;
  for (const ResultFile& file : output.files) paths.push_back(file.path);
  const std::vector<std::string> names = short_names(paths);
  std::ostringstream text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ResultFile& file = output.files[i];
    if (names.size() > 1) text << (i > 0 ? "\n" : "") << printable(names[i]) << "\n\n";
    TableSink table(text,
                    {.color = output.text.color,
                     .width = output.text.width,
                     .baseline = output.baseline.empty() ? configured_baseline(file.config) : output.baseline,
                     .rule = configured_rule(file.config)});
    for (const std::vector<Record>& records : by_problem(file.records)) {
      for (const Record& record : records) table.add(record);
      table.end_problem();
    }
    table.finish();
  }
  return text.str();
}

}  // namespace

const OutputFormat kTable = {
    .name = "table",
    .meaning = "aligned text for the terminal",
    .by_default = true,
    .file_kind = FileKind::table,
    .needs_mark = true,
    .run = [](const RunOutput& output) -> std::unique_ptr<Sink> {
      return std::make_unique<TableSink>(output.terminal, output.table);
    },
    .results = results_table,
    .comparison = [](const Comparison& comparison,
                     const TextOptions& options) { return to_table(comparison, options); },
    .history = history_table,
    .diagnosis = [](const Diagnosis& diagnosis,
                    const TextOptions& options) { return to_text(diagnosis, options.color); }};

}  // namespace flashcore
