// NVML, the NVIDIA Management Library, loaded at run time: the program starts where there is none. Reads
// only; nothing here changes a setting of the device.
//
// Looked for: the file that the environment variable FLASHCORE_NVML names, else libnvidia-ml.so.1.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "record/telemetry.hpp"

namespace flashcore {

// What does not change while the program runs. What the device does not report is absent.
struct NvmlDeviceInfo {
  std::string driver_version;  // "580.95.05"
  std::optional<double> max_sm_clock_mhz;
  std::optional<double> max_mem_clock_mhz;
  std::optional<double> power_limit_w;  // the limit enforced now
  std::optional<bool> ecc;
};

// One device, found by the PCI bus id that CUDA knows it by ("0000:1b:00.0").
class NvmlDevice {
 public:
  explicit NvmlDevice(const std::string& pci_bus_id);
  ~NvmlDevice();
  NvmlDevice(NvmlDevice&&) noexcept;
  NvmlDevice& operator=(NvmlDevice&&) noexcept;

  // Why there is nothing to read; empty when there is. With a problem, info() and read() are empty.
  const std::string& problem() const { return problem_; }
  const NvmlDeviceInfo& info() const { return info_; }
  TelemetryReading read() const;

 private:
  struct Session;  // the library, initialised, and the device's handle in it

  std::unique_ptr<Session> session_;
  std::string problem_;
  NvmlDeviceInfo info_;
};

}  // namespace flashcore
