// The devices of this machine.
#pragma once

#include <string>
#include <vector>

#include "device/device_info.hpp"

namespace flashcore {

// `--device auto|cpu|cuda[:N]`. automatic takes CUDA device 0, or the CPU when there is none.
struct DeviceRequest {
  enum class Kind { automatic, cpu, cuda };
  Kind kind = Kind::automatic;
  int index = 0;
};

// As --device takes it: "auto", "cpu", "cuda:1".
std::string to_string(const DeviceRequest& request);

// CUDA as this process finds it.
struct CudaStatus {
  bool compiled_in = false;
  std::string driver_version;   // "13.0", empty without a driver
  std::string runtime_version;  // of the runtime linked in
  std::string problem;          // why there is no CUDA device, empty when there is one
  std::vector<DeviceInfo> devices;
};

CudaStatus cuda_status();
DeviceInfo cpu_device();

// Part of a path: "h100-80gb-hbm3" for "NVIDIA H100 80GB HBM3", "cpu" for any processor.
std::string device_folder(const DeviceInfo& device);

}  // namespace flashcore
