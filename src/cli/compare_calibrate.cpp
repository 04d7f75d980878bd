// flashcore-bench compare --calibrate: how much do this machine's results differ when nothing changed?
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "cli/columns.hpp"
#include "cli/compare_modes.hpp"
#include "cli/run_plan.hpp"
#include "compare/evidence.hpp"
#include "compare/noise_file.hpp"
#include "config/lookup.hpp"
#include "render/progress.hpp"
#include "results/result_set.hpp"

namespace flashcore {
namespace {

// With fewer, the stated default outweighs what was measured.
constexpr std::size_t kFewestRuns = 4;

class RecordList : public Sink {
 public:
  void add(const Record& record) override { records_.push_back(record); }
  std::vector<Record> take() { return std::move(records_); }

 private:
  std::vector<Record> records_;
};

struct Measured {
  DeviceInfo device;
  Runs runs;
};

DeviceInfo device_of(const ResultFile& file) {
  const auto text = [&](const char* pointer) {
    return file.environment.value(Json::json_pointer(pointer), std::string());
  };
  DeviceInfo device;
  device.backend = text("/device/backend") == to_string(Backend::cpu) ? Backend::cpu : Backend::cuda;
  device.name = text("/device/name");
  return device;
}

Measured read_runs(const std::vector<std::string>& results) {
  const std::vector<ResultFile> files = read_result_set(results);
  const DeviceInfo device = device_of(files.front());
  for (const ResultFile& file : files) {
    if (device_of(file).name != device.name) {
      throw UsageError(fmt::format("{}: is of {}, {} is of {}; noise is one device's", file.path,
                                   device_of(file).name, files.front().path, device.name));
    }
  }
  return {device, runs_of(files)};
}

// Each run has a worker process of its own, as two results have.
Measured make_runs(int count, const CompareRunOptions& options, const Session& session) {
  JsonDocument document = load_config(options.config);
  apply(options.overrides, document);
  const Plan plan = make_plan(document, config_stem(options.config));
  Measured measured;
  ProgressLine progress(std::cerr, !session.quiet && is_terminal(STDERR_FILENO));
  install_interrupt_handler();
  for (int i = 0; i < count; ++i) {
    const std::unique_ptr<Executor> executor = open_executor(plan, session.plugins, false);
    measured.device = executor->device();
    const std::vector<const Variant*> variants = runnable_variants(plan, measured.device);
    check_memory(plan, *executor);
    RecordList list;
    Sink* const sinks[] = {&list};
    if (run(plan.problems, variants, plan.policy, *executor, sinks, progress).interrupted) {
      throw Error(ExitCode::interrupted, "compare --calibrate: interrupted, nothing was written");
    }
    measured.runs.push_back(list.take());
  }
  return measured;
}

std::string describe(const NoiseModel& model, const std::vector<RepeatedRow>& rows,
                     const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> table = {{"size", "rows", "each row", "all rows alike"}};
  for (const SizeClass size : kAll<SizeClass>) {
    const auto count =
        std::ranges::count_if(rows, [size](const RepeatedRow& row) { return row.size == size; });
    const Spread& spread = model.of(size);
    table.push_back({std::string(to_string(size)), std::to_string(count),
                     fmt::format("{:.2f} %", 100 * spread.row),
                     fmt::format("{:.2f} %", 100 * spread.common)});
  }
  return align_columns(table) + fmt::format("wrote {}\n", path.string());
}

// Empty when neither the flag nor the environment names a place.
std::filesystem::path noise_path(const std::string& flag, const DeviceInfo& device) {
  return flag.empty() ? noise_place(device_folder(device)) : std::filesystem::path(flag);
}

}  // namespace

std::optional<NoiseModel> find_noise(const std::string& flag, const std::vector<ResultFile>& files) {
  const DeviceInfo device = device_of(files.front());
  std::error_code ignored;
  const std::filesystem::path path = noise_path(flag, device);
  if (flag.empty() && !std::filesystem::exists(path, ignored)) return std::nullopt;
  const CalibratedNoise noise = read_noise(path);
  if (noise.device == device.name) return noise.model;
  if (flag.empty()) return std::nullopt;  // another processor: they share the place "cpu"
  throw UsageError(fmt::format("--noise: {} is of {}, the result is of {}", flag, noise.device, device.name));
}

std::string calibrate(const std::vector<std::string>& results, int runs, const CompareRunOptions& options,
                      const std::string& noise_flag, const ComparePolicy& policy, const Session& session) {
  const Measured measured = results.empty() ? make_runs(runs, options, session) : read_runs(results);
  if (measured.runs.size() < kFewestRuns) {
    throw UsageError(fmt::format("compare --calibrate: {} runs are too few, at least {} are needed",
                                 measured.runs.size(), kFewestRuns));
  }
  std::vector<RepeatedRow> rows;
  for (NamedRow& named : named_rows(measured.runs, policy)) rows.push_back(std::move(named.row));
  NoiseEstimate estimate;
  estimate.add_side(rows);
  if (estimate.empty()) throw Error(ExitCode::cannot_tell, "compare --calibrate: no row was timed twice");
  const CalibratedNoise noise{.device = measured.device.name,
                              .time = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
                              .runs = measured.runs.size(),
                              .model = estimate.calibrated(default_noise(measured.device.backend))};
  const std::filesystem::path path = noise_path(noise_flag, measured.device);
  if (path.empty()) throw UsageError("--noise: is needed, neither XDG_DATA_HOME nor HOME is set");
  write_noise(path, noise);
  return describe(noise.model, rows, path);
}

}  // namespace flashcore
