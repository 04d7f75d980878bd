// The customSmallerIsBetter form of github-action-benchmark: times in microseconds.
#include <fmt/format.h>

#include "base/json_text.hpp"
#include "render/formats.hpp"
#include "render/metrics.hpp"

namespace flashcore {
namespace {

std::string to_smaller_is_better(const std::vector<Metric>& metrics) {
  Json json = Json::array();
  for (const Metric& metric : metrics) {
    json.push_back({{"name", metric.name},
                    {"unit", "us"},
                    {"value", metric.us},
                    {"range", fmt::format("± {:.3g}", (metric.high_us - metric.low_us) / 2)},
                    {"extra", metric.extra}});
  }
  return indented_json(json);
}

}  // namespace

const OutputFormat kSmallerIsBetter = {
    .name = "customSmallerIsBetter",
    .meaning = "times for github-action-benchmark",
    .file_kind = FileKind::smaller_is_better,
    .results = [](const ResultsOutput& output) { return to_smaller_is_better(metrics_of(output.files)); },
    .comparison = [](const Comparison& comparison,
                     const TextOptions&) { return to_smaller_is_better(metrics_of(comparison)); }};

}  // namespace flashcore
