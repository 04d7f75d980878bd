// Bencher Metric Format (https://bencher.dev/docs/reference/bencher-metric-format/): the new side's latencies in
// nanoseconds, with their interval.
#include "base/json_text.hpp"
#include "render/comparison_output.hpp"
#include "render/formats.hpp"

namespace flashcore {
namespace {

std::string to_bencher(const Comparison& comparison, const TextOptions&) {
  constexpr double kNanosecondsPerMicrosecond = 1e3;
  Json json = Json::object();
  for (const RowVerdict& row : comparison.rows) {
    if (!row.new_us) continue;
    const double half = half_width_us(row);
    json[full_name(row)]["latency"] = {{"value", *row.new_us * kNanosecondsPerMicrosecond},
                                       {"lower_value", (*row.new_us - half) * kNanosecondsPerMicrosecond},
                                       {"upper_value", (*row.new_us + half) * kNanosecondsPerMicrosecond}};
  }
  return indented_json(json);
}

}  // namespace

const OutputFormat kBencher = {.name = "bencher",
                               .meaning = "metrics for the service Bencher",
                               .file_kind = FileKind::bencher,
                               .comparison = to_bencher};

}  // namespace flashcore
