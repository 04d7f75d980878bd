#include "compare/calibrate.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/error.hpp"
#include "compare/compare_files.hpp"
#include "compare/row_statistics.hpp"
#include "compare/rule.hpp"

namespace flashcore {

void check_calibration_runs(std::int64_t runs) {
  if (runs >= kMinCalibrationRuns) return;
  throw UsageError(fmt::format("compare --calibrate: {} runs are too few, at least {} are needed", runs,
                               kMinCalibrationRuns));
}

Calibration calibrate(std::span<const ResultFile> runs, const ComparePolicy& policy) {
  const DeviceInfo device = device_of(runs.front());
  for (const ResultFile& run : runs) {
    if (device_of(run).name == device.name) continue;
    throw UsageError(fmt::format("{}: is of {}, {} is of {}; a noise file is for one device", run.path,
                                 device_of(run).name, runs.front().path, device.name));
  }
  check_calibration_runs(std::ssize(runs));
  Calibration calibration;
  for (SideRow& named : side_rows(runs_of({runs.begin(), runs.end()}), policy))
    calibration.rows.push_back(std::move(named.row));
  NoiseEstimate estimate;
  estimate.add_side(calibration.rows);
  if (estimate.empty()) throw Error(ExitCode::cannot_tell, "compare --calibrate: no row was timed twice");
  calibration.noise.device = device.name;
  calibration.noise.runs = runs.size();
  calibration.noise.model = estimate.calibrated(default_noise(device.backend));
  return calibration;
}

}  // namespace flashcore
