// The file that holds a machine's noise.
//
//   {"schema_version": 1, "device": "NVIDIA H100 80GB HBM3", "time": "2026-01-31T12:00:00Z",
//    "runs": 8, "spreads": {"small": {"row": 0.002, "common": 0.003}, …}}
#pragma once

#include <filesystem>
#include <string>

#include "base/json_document.hpp"
#include "base/output_file.hpp"
#include "compare/noise.hpp"
#include "device/device_info.hpp"
#include "results/result_file.hpp"

namespace flashcore {

struct CalibratedNoise {
  std::string device;
  std::string time;      // ISO 8601, UTC
  std::size_t runs = 0;  // from which it was estimated
  NoiseModel model;
};

// The path of a device's noise file unless --noise names another: flashcore/noise/<device>.json in
// XDG_DATA_HOME, or in ~/.local/share (XDG Base Directory Specification 0.8). Empty when neither is known.
std::filesystem::path noise_path(const DeviceInfo& device);

// The backend and the name of the device that made a result file.
DeviceInfo device_of(const ResultFile& file);

// Throw UsageError with the file and JSON pointer of the first mistake.
CalibratedNoise noise_from_json(const JsonReader& root);
CalibratedNoise read_noise(const std::filesystem::path& path);

// Throws as OutputFile does.
void write_noise(const OutputTarget& target, const CalibratedNoise& noise);

}  // namespace flashcore
