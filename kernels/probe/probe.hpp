// The peak rates of the current device, measured in less than half a second: the ceilings of a roofline.
#pragma once

#include <optional>

namespace flashcore::kernels {

// Rates per second, each the median of several launches.
struct ProbeResult {
  double copy_bytes_per_s = 0;  // device memory, bytes read plus bytes written
  double mma_flops_per_s = 0;   // mma.sync m16n8k16, fp16 operands from registers, FP32 accumulation
  std::optional<double> wgmma_flops_per_s = std::nullopt;  // wgmma m64n256k16 from shared memory; sm_90a only
  double exp2_per_s = 0;                                   // ex2.approx
};

// Runs on the current device in a stream (cudaStream_t), takes 512 MiB of device memory and waits for the
// end. Returns 0 or the runtime's error code (cudaError_t).
int run_probe(void* stream, ProbeResult& result);

}  // namespace flashcore::kernels
