// The "environment" object of a result file: device, build, host and command.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "device/device.hpp"

namespace flashcore {

struct EnvironmentRequest {
  DeviceInfo device;    // of the variants
  DeviceInfo host_cpu;  // cpu_device()
  CudaStatus cuda;
  std::vector<std::string> command_line;
  Json config;            // its hash goes into the environment
  bool hostname = false;  // include the machine's name, which is private by default
};

// Throws nothing: an unknown value is absent, or replaced by a reason. Asks NVML about a CUDA device.
Json make_environment(const EnvironmentRequest& request);

// 64-bit FNV-1a of the config's text with sorted keys, 16 hexadecimal digits. The order of keys does not matter.
std::string config_hash(const Json& config);

}  // namespace flashcore
