#include "compare/compare_files.hpp"

#include <fmt/format.h>

#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "compare/differences.hpp"
#include "compare/noise_file.hpp"
#include "compare/resample.hpp"
#include "compare/rule.hpp"

namespace flashcore {
namespace {

std::vector<Record> without_slight_throttling(ResultFile& file) {
  std::vector<Record> records = std::move(file.records);
  const Json::json_pointer pointer("/nvml/max_sm_clock_mhz");
  if (!file.environment.contains(pointer) || !file.environment.at(pointer).is_number()) return records;
  const auto highest = file.environment.at(pointer).get<double>();
  for (Record& record : records) {
    for (const TimingMode mode : kAll<TimingMode>) {
      std::optional<Timing>& timing = record.timings[mode];
      if (!timing || timing->sm_clock_mhz.empty()) continue;
      if (median_of(timing->sm_clock_mhz) >= (1 - kClockDifference) * highest) timing->throttled_samples = 0;
    }
  }
  return records;
}

}  // namespace

Runs runs_of(std::vector<ResultFile> files) {
  Runs runs;
  for (ResultFile& file : files) runs.push_back(without_slight_throttling(file));
  return runs;
}

std::optional<NoiseModel> find_noise(const ResultFile& file, const ComparePolicy& policy) {
  if (policy.noise) return policy.noise;
  const DeviceInfo device = device_of(file);
  const bool is_named = !policy.noise_file.empty();
  const std::filesystem::path path = is_named ? policy.noise_file : noise_path(device);
  std::error_code ignored;
  if (!is_named && !std::filesystem::exists(path, ignored)) return std::nullopt;
  const CalibratedNoise noise = read_noise(path);
  if (noise.device == device.name) return noise.model;
  if (!is_named) return std::nullopt;  // all processors share the path "cpu"
  throw UsageError(
      fmt::format("--noise: {} is of {}, the result is of {}", path.string(), noise.device, device.name));
}

Comparison compare_files(std::vector<ResultFile> base, std::vector<ResultFile> next,
                         const ComparePolicy& policy) {
  ComparePolicy complete = policy;
  complete.noise = find_noise(next.front(), policy);
  std::vector<std::string> different = differences(base, next);
  return compare_runs(runs_of(std::move(base)), runs_of(std::move(next)), complete, std::move(different));
}

}  // namespace flashcore
