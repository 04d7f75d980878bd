// The probe's kernels: each keeps one unit of the GPU busy with enough independent operations in flight.
//
// Results are written only where they equal `never`, which is NaN: the compiler cannot know this, and keeps
// the work.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/blocks/matrix_descriptor.hpp"
#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm90.cuh"
#include "kernels/ptx/sm90a.cuh"

namespace flashcore::kernels {

inline constexpr int kProbeThreads = 256;
inline constexpr int kProbeChains = 8;  // independent operations in flight per thread (or warp)

// Copies `count` vectors of 16 bytes with four loads per thread in flight.
__global__ void __launch_bounds__(kProbeThreads) probe_copy(uint4* out, const uint4* in, std::int64_t count) {
  constexpr int kUnroll = 4;
  const std::int64_t begin = std::int64_t{blockIdx.x} * (kProbeThreads * kUnroll) + threadIdx.x;
  uint4 vector[kUnroll];
#pragma unroll
  for (int i = 0; i < kUnroll; ++i) {
    if (begin + i * kProbeThreads < count) vector[i] = in[begin + i * kProbeThreads];
  }
#pragma unroll
  for (int i = 0; i < kUnroll; ++i) {
    if (begin + i * kProbeThreads < count) out[begin + i * kProbeThreads] = vector[i];
  }
}

// Two fp16 values in [-1, 1) that look random: power, and with it the clock, depends on the operands.
__device__ inline std::uint32_t probe_operand(std::uint32_t index) {
  std::uint32_t bits = index * 2654435761u;
  bits ^= bits >> 15;
  bits *= 2246822519u;
  const auto value = [](std::uint32_t half_bits) {
    return static_cast<float>(half_bits & 0xffff) / 32768.0f - 1.0f;
  };
  const __half2 pair = __floats2half2_rn(value(bits), value(bits >> 16));
  return *reinterpret_cast<const std::uint32_t*>(&pair);
}

// steps · kProbeChains products per warp, 4096 FLOPs each.
__global__ void __launch_bounds__(kProbeThreads) probe_mma(float* out, int steps, float never) {
  std::uint32_t a[4];
  std::uint32_t b[kProbeChains][2];
  float d[kProbeChains][4];
#pragma unroll
  for (int i = 0; i < 4; ++i) a[i] = probe_operand(threadIdx.x * 4 + i);
#pragma unroll
  for (int chain = 0; chain < kProbeChains; ++chain) {
#pragma unroll
    for (int i = 0; i < 2; ++i)
      b[chain][i] = probe_operand(0x10000 + (chain * kProbeThreads + threadIdx.x) * 2 + i);
#pragma unroll
    for (int i = 0; i < 4; ++i) d[chain][i] = 0;
  }
#pragma unroll 4
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int chain = 0; chain < kProbeChains; ++chain) {
      ptx::mma_m16n8k16<__half>(d[chain], a, b[chain][0], b[chain][1]);
    }
  }
  float sum = 0;
#pragma unroll
  for (int chain = 0; chain < kProbeChains; ++chain) {
#pragma unroll
    for (int i = 0; i < 4; ++i) sum += d[chain][i];
  }
  if (sum == never) out[0] = sum;
}

// steps · kProbeChains exponentials per thread. x -> 2^-x stays near its fixed point 0.64, far from special
// values; the sign costs nothing.
__global__ void __launch_bounds__(kProbeThreads) probe_exp2(float* out, int steps, float never) {
  float x[kProbeChains];
#pragma unroll
  for (int chain = 0; chain < kProbeChains; ++chain) {
    x[chain] = static_cast<float>(threadIdx.x * kProbeChains + chain) / (kProbeThreads * kProbeChains);
  }
#pragma unroll 4
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int chain = 0; chain < kProbeChains; ++chain) x[chain] = ptx::exp2_approx(-x[chain]);
  }
  float sum = 0;
#pragma unroll
  for (int chain = 0; chain < kProbeChains; ++chain) sum += x[chain];
  if (sum == never) out[0] = sum;
}

// Shared memory of probe_wgmma: A [64, 64] and B [256, 64], one swizzled panel each.
inline constexpr int kWgmmaColumns = 256;
inline constexpr int kProbeSmemBytes = (64 + kWgmmaColumns) * kPanelRowBytes;
inline constexpr int kWgmmasPerStep = 4;  // the 64 columns of a panel, 16 at a time

// steps · kWgmmasPerStep products m64n256k16 per warpgroup, two warpgroups per block. It does nothing except
// on sm_90a.
__global__ void __launch_bounds__(kProbeThreads, 1) probe_wgmma(float* out, int steps, float never) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  unsigned char* smem = ptx::dynamic_smem();
  for (int i = threadIdx.x; i < kProbeSmemBytes / 4; i += kProbeThreads) {
    reinterpret_cast<std::uint32_t*>(smem)[i] = probe_operand(i);
  }
  // Protects the operands: the products read shared memory through the async proxy, so that the writes above
  // are made visible to it, and all threads' writes are waited for.
  ptx::fence_proxy_async();
  __syncthreads();
  const std::uint32_t panel = ptx::smem_address(smem);
  const std::uint64_t a = k_major_descriptor(panel);
  const std::uint64_t b = k_major_descriptor(panel + 64 * kPanelRowBytes);
  float d[kWgmmaColumns / 2] = {};
  ptx::pin_registers(d);
  for (int step = 0; step < steps; ++step) {
    ptx::wgmma_fence();
#pragma unroll
    for (int k = 0; k < kWgmmasPerStep; ++k) {
      const std::uint32_t offset = k * k_major_step_bytes();
      ptx::wgmma<Dtype::fp16>(d, advance(a, offset), advance(b, offset), true);
    }
    ptx::wgmma_commit();
    ptx::wgmma_wait<1>();
  }
  ptx::wgmma_wait<0>();
  ptx::pin_registers(d);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kWgmmaColumns / 2; ++i) sum += d[i];
  if (sum == never) out[0] = sum;
#endif
}

}  // namespace flashcore::kernels
