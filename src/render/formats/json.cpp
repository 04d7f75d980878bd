#include <memory>

#include "base/json_text.hpp"
#include "render/comparison_output.hpp"
#include "render/diagnosis_output.hpp"
#include "render/formats.hpp"
#include "render/history_output.hpp"
#include "render/page_data.hpp"
#include "results/file_sink.hpp"

namespace flashcore {
namespace {

std::string to_line(const Json& json) { return json_text(json); }

}  // namespace

const OutputFormat kJson = {
    .name = "json",
    .meaning = "everything, for programs",
    .extensions = {".json"},
    .by_default = true,
    .shows_comparison = true,
    .run = [](const RunOutput& output) -> std::unique_ptr<Sink> {
      return std::make_unique<JsonSink>(output.file, output.environment, output.config);
    },
    .results = [](const ResultsOutput& output) { return page_data(output, {}, to_line) + "\n"; },
    .comparison = [](const Comparison& comparison,
                     const TextOptions&) { return indented_json(to_json(comparison)); },
    .history = [](const History& history, const TextOptions&) { return indented_json(to_json(history)); },
    .diagnosis = [](const Diagnosis& diagnosis,
                    const TextOptions&) { return indented_json(to_json(diagnosis)); }};

}  // namespace flashcore
