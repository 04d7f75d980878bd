// The properties of a device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/probe/probe.hpp"
#include "record/roofline.hpp"
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
  std::optional<double> max_sm_clock_mhz;        // of a CUDA device or a played card
  int memory_bus_bits = 0;                       // 0 if unknown
  int memory_clock_mhz = 0;                      // the maximum; 0 if unknown
  std::string pci_bus_id;                        // identifies a CUDA device for NVML; empty on the CPU
  std::optional<kernels::ProbeResult> ceilings;  // set by Executor::measure_ceilings()
  std::optional<double> fma_flops_per_s;         // of all cores of a CPU in FP32; set by measure_ceilings()
  std::string ceilings_problem;                  // why measure_ceilings() failed
  std::string code_problem;                      // why Executor::code_hash() is not available
};

inline Target target_of(const DeviceInfo& device) {
  return {.backend = device.backend, .limits = device.limits};
}

// The ceilings of a roofline, from the rates that were measured.
inline Ceilings ceilings_of(const kernels::ProbeResult& probe) {
  return {.tensor_flops_per_s = probe.wgmma_flops_per_s.value_or(probe.mma_flops_per_s),
          .memory_bytes_per_s = probe.copy_bytes_per_s,
          .exp2_per_s = probe.exp2_per_s};
}

}  // namespace flashcore
