// The noise of a machine, from results of equal runs on it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compare/noise_file.hpp"
#include "compare/policy.hpp"
#include "results/result_file.hpp"

namespace flashcore {

struct Calibration {
  CalibratedNoise noise;          // without a time
  std::vector<RepeatedRow> rows;  // from which it was estimated
};

// Throws UsageError for fewer runs than kMinCalibrationRuns.
void check_calibration_runs(std::int64_t runs);

// `runs` is not empty. Throws UsageError when there are fewer than kMinCalibrationRuns or when they are of
// several devices, and Error with ExitCode::cannot_tell when no row was timed in two runs.
Calibration calibrate(std::span<const ResultFile> runs, const ComparePolicy& policy);

}  // namespace flashcore
