// The devices of this machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/device_info.hpp"

namespace flashcore {

// `--device auto|cpu|cuda[:N]`. `automatic` means CUDA device 0, or the CPU if there is no CUDA device.
struct DeviceRequest {
  enum class Kind { automatic, cpu, cuda };
  Kind kind = Kind::automatic;
  int index = 0;
};

// The value of --device: "auto", "cpu", "cuda:1".
std::string to_string(const DeviceRequest& request);

// The state of CUDA in this process.
struct CudaStatus {
  bool compiled_in = false;
  std::string driver_version;   // "13.0"; empty without a driver
  std::string runtime_version;  // of the linked runtime
  std::string problem;          // why no CUDA device is available; empty if one is
  std::vector<DeviceInfo> devices;
};

CudaStatus cuda_status();
DeviceInfo cpu_device();

inline constexpr int kMaxCpuThreads = 4096;
// Sets the threads of CPU kernels in this process and in processes that it starts.
void set_cpu_threads(int count);
int cpu_threads();

// Processes that ran or waited for a core, averaged over the last minute; absent where the system does not tell.
std::optional<double> cpu_load();

// Part of a path: "h100-80gb-hbm3" for "NVIDIA H100 80GB HBM3".
std::string name_as_path(std::string_view name);

// The same of a card, "cpu" for any processor.
std::string device_folder(const DeviceInfo& device);

}  // namespace flashcore
