// Where and from what a result came: the "environment" object of a result file.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "device/device.hpp"

namespace flashcore {

struct EnvironmentRequest {
  DeviceInfo device;    // that the variants run on
  DeviceInfo host_cpu;  // cpu_device()
  CudaStatus cuda;
  std::vector<std::string> command_line;
  Json config;            // its hash goes into the environment
  bool hostname = false;  // a machine's name is private unless asked for
};

// Throws nothing: what cannot be found out is absent, or a reason. Asks NVML about a CUDA device.
Json make_environment(const EnvironmentRequest& request);

// 64-bit FNV-1a of the config's text with sorted keys, 16 hexadecimal digits. Equal configs have equal
// hashes whatever the order of their keys.
std::string config_hash(const Json& config);

}  // namespace flashcore
