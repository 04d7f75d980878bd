#include <memory>

#include "render/comparison_output.hpp"
#include "render/diagnosis_output.hpp"
#include "render/formats.hpp"
#include "render/history_output.hpp"

namespace flashcore {

const OutputFormat kTable = {
    .name = "table",
    .meaning = "aligned text for the terminal",
    .by_default = true,
    .file_kind = FileKind::table,
    .needs_mark = true,
    .run = [](const RunOutput& output) -> std::unique_ptr<Sink> {
      return std::make_unique<TableSink>(output.terminal, output.table);
    },
    .comparison = [](const Comparison& comparison,
                     const TextOptions& options) { return to_table(comparison, options); },
    .history = history_table,
    .diagnosis = [](const Diagnosis& diagnosis,
                    const TextOptions& options) { return to_text(diagnosis, options.color); }};

}  // namespace flashcore
