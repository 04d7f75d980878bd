// Bencher Metric Format (https://bencher.dev/docs/reference/bencher-metric-format/): latencies in nanoseconds, with
// their interval.
#include "base/json_text.hpp"
#include "render/formats.hpp"
#include "render/metrics.hpp"

namespace flashcore {
namespace {

std::string to_bencher(const std::vector<Metric>& metrics) {
  constexpr double kNanosecondsPerMicrosecond = 1e3;
  Json json = Json::object();
  for (const Metric& metric : metrics) {
    json[metric.name]["latency"] = {{"value", metric.us * kNanosecondsPerMicrosecond},
                                    {"lower_value", metric.low_us * kNanosecondsPerMicrosecond},
                                    {"upper_value", metric.high_us * kNanosecondsPerMicrosecond}};
  }
  return indented_json(json);
}

}  // namespace

const OutputFormat kBencher = {
    .name = "bencher",
    .meaning = "metrics for the service Bencher",
    .file_kind = FileKind::bencher,
    .results = [](const ResultsOutput& output) { return to_bencher(metrics_of(output.files)); },
    .comparison = [](const Comparison& comparison,
                     const TextOptions&) { return to_bencher(metrics_of(comparison)); }};

}  // namespace flashcore
