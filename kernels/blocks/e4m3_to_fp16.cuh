// e4m3 to fp16, in registers. Each value of e4m3 is one of fp16, so that nothing is rounded.
#pragma once

#include <cstdint>

#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm89.cuh"

namespace flashcore::kernels {

// Two elements in the high bytes of two halves, in integer arithmetic and one product, as devices before sm_89 need it. The
// magnitude moves into place; the product corrects the exponent's bias, also of subnormals. NaN, which would become 480, gets
// the highest exponent.
__device__ __forceinline__ std::uint32_t fp16_from_high_bytes(std::uint32_t bytes) {
  constexpr std::uint32_t kSigns = 0x80008000;
  constexpr std::uint32_t kMagnitudes = 0x3f803f80;  // in fp16; only NaN has all of these bits
  constexpr std::uint32_t kLowestBits = 0x00800080;
  constexpr std::uint32_t kBias = 0x5c005c00;  // 2^8
  const std::uint32_t magnitudes = bytes >> 1 & kMagnitudes;
  const std::uint32_t nan = (magnitudes + kLowestBits) & ~kMagnitudes;  // bit 14 of each half
  return ptx::multiply_f16x2(magnitudes | (bytes & kSigns), kBias) + (nan >> 1);
}
__device__ __forceinline__ void fp16_from_e4m3_by_integers(std::uint32_t (&pairs)[2],
                                                           std::uint32_t elements) {
  pairs[0] = fp16_from_high_bytes(ptx::permute_bytes(elements, 0, 0x1404));
  pairs[1] = fp16_from_high_bytes(ptx::permute_bytes(elements, 0, 0x3424));
}

// Four elements, the first in the lowest byte, as two pairs.
__device__ __forceinline__ void fp16_from_e4m3(std::uint32_t (&pairs)[2], std::uint32_t elements) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 890
  fp16_from_e4m3_by_integers(pairs, elements);
#else
  ptx::unpack_e4m3(pairs, elements);
#endif
}

}  // namespace flashcore::kernels
