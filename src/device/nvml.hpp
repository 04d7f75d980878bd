// NVML, the NVIDIA Management Library. It is loaded at run time, so the program also starts without it. This
// code only reads; it changes no setting of the device.
//
// The library is the file in the environment variable FLASHCORE_NVML, or libnvidia-ml.so.1 if the variable is
// not set.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "record/telemetry.hpp"

namespace flashcore {

// Values that do not change while the program runs. A value that the device does not report is absent.
struct NvmlDeviceInfo {
  std::string driver_version;  // "580.95.05"
  std::optional<double> max_sm_clock_mhz;
  std::optional<double> max_mem_clock_mhz;
  std::optional<double> power_limit_w;  // the enforced limit
  std::optional<bool> ecc;
};

// One device, found by its PCI bus id from CUDA ("0000:1b:00.0").
class NvmlDevice {
 public:
  explicit NvmlDevice(const std::string& pci_bus_id);
  ~NvmlDevice();
  NvmlDevice(NvmlDevice&&) noexcept;
  NvmlDevice& operator=(NvmlDevice&&) noexcept;

  // Why NVML cannot read the device; empty if it can. If not empty, info() and read() return no values.
  const std::string& problem() const { return problem_; }
  const NvmlDeviceInfo& info() const { return info_; }
  TelemetryReading read() const;

 private:
  struct Session;  // the initialised library and the device's handle

  std::unique_ptr<Session> session_;
  std::string problem_;
  NvmlDeviceInfo info_;
};

}  // namespace flashcore
