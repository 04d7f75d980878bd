// The properties of a device.
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
  std::int64_t l2_bytes = 0;                     // the last-level cache on the CPU
  int memory_bus_bits = 0;                       // 0 if unknown
  int memory_clock_mhz = 0;                      // the maximum; 0 if unknown
  std::string pci_bus_id;                        // identifies a CUDA device for NVML; empty on the CPU
  std::optional<kernels::ProbeResult> ceilings;  // set by Executor::measure_ceilings()
  std::string ceilings_problem;                  // why measure_ceilings() failed
  std::string code_problem;                      // why Executor::code_hash() is not available
};

inline Target target_of(const DeviceInfo& device) {
  return {.backend = device.backend, .limits = device.limits};
}

}  // namespace flashcore
