// As Google Benchmark's --benchmark_format=json: the new side's times in microseconds.
#include "base/build_info.hpp"
#include "base/json_text.hpp"
#include "render/comparison_output.hpp"
#include "render/formats.hpp"

namespace flashcore {
namespace {

std::string to_google_benchmark(const Comparison& comparison, const TextOptions&) {
  Json json = {{"context", {{"library_build_type", "release"}, {"flashcore_version", build_info().version}}}};
  json["benchmarks"] = Json::array();
  for (const RowVerdict& row : comparison.rows) {
    if (!row.new_us) continue;
    json["benchmarks"].push_back({{"name", full_name(row)},
                                  {"run_name", full_name(row)},
                                  {"run_type", "iteration"},
                                  {"repetitions", 1},
                                  {"repetition_index", 0},
                                  {"threads", 1},
                                  {"iterations", 1},
                                  {"real_time", *row.new_us},
                                  {"cpu_time", *row.new_us},
                                  {"time_unit", "us"}});
  }
  return indented_json(json);
}

}  // namespace

const OutputFormat kGoogleBenchmark = {.name = "google-benchmark",
                                       .meaning = "times as Google Benchmark writes them",
                                       .file_kind = FileKind::google_benchmark,
                                       .comparison = to_google_benchmark};

}  // namespace flashcore
