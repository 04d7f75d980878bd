// What a device is and has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/probe/probe.hpp"
#include "registry/supports.hpp"
#include "variant/variant.hpp"

namespace flashcore {

struct DeviceInfo {
  Backend backend = Backend::cpu;
  std::string name;  // "NVIDIA H100 80GB HBM3", or the processor's model name
  DeviceLimits limits;
  std::int64_t memory_bytes = 0;
  std::int64_t free_memory_bytes = 0;
  std::int64_t l2_bytes = 0;                     // last-level cache on the CPU
  int memory_bus_bits = 0;                       // 0 where unknown
  int memory_clock_mhz = 0;                      // at most; 0 where unknown
  std::string pci_bus_id;                        // by which NVML knows a CUDA device; empty on the CPU
  std::optional<kernels::ProbeResult> ceilings;  // once measure_ceilings() was called
  std::string ceilings_problem;                  // why it could not measure them
  std::string code_problem;                      // why there is no code_hash()
};

inline Target target_of(const DeviceInfo& device) {
  return {.backend = device.backend, .limits = device.limits};
}

}  // namespace flashcore
