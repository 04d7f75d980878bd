// As Google Benchmark's --benchmark_format=json: times in microseconds.
#include "base/build_info.hpp"
#include "base/json_text.hpp"
#include "render/formats.hpp"
#include "render/metrics.hpp"

namespace flashcore {
namespace {

std::string to_google_benchmark(const std::vector<Metric>& metrics) {
  Json json = {{"context", {{"library_build_type", "release"}, {"flashcore_version", build_info().version}}}};
  json["benchmarks"] = Json::array();
  for (const Metric& metric : metrics) {
    json["benchmarks"].push_back({{"name", metric.name},
                                  {"run_name", metric.name},
                                  {"run_type", "iteration"},
                                  {"repetitions", 1},
                                  {"repetition_index", 0},
                                  {"threads", 1},
                                  {"iterations", 1},
                                  {"real_time", metric.us},
                                  {"cpu_time", metric.us},
                                  {"time_unit", "us"}});
  }
  return indented_json(json);
}

}  // namespace

const OutputFormat kGoogleBenchmark = {
    .name = "google-benchmark",
    .meaning = "times as Google Benchmark writes them",
    .file_kind = FileKind::google_benchmark,
    .results = [](const ResultsOutput& output) { return to_google_benchmark(metrics_of(output.files)); },
    .comparison = [](const Comparison& comparison,
                     const TextOptions&) { return to_google_benchmark(metrics_of(comparison)); }};

}  // namespace flashcore
