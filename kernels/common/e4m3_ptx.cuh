// PTX for one-byte elements (sm_89 and later), one function an instruction; each names its section of the PTX
// ISA manual.
#pragma once

#include <cstdint>

namespace flashcore::kernels {

// cvt.rn.satfinite.e4m3x2.f32: two elements, x in the low byte. To nearest, ties to even; what is beyond ±448
// becomes ±448, NaN stays NaN. "cvt".
__device__ inline std::uint32_t pack_e4m3x2(float x, float y) {
  std::uint16_t pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(y), "f"(x));
  return pair;
}

// prmt: four of the eight bytes of low and high, numbered from the lowest of low; a digit of the selector
// names one, the lowest digit that of the lowest byte. "prmt".
__device__ inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  std::uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(selector));
  return bytes;
}

// Four elements in one register, the first in the lowest byte.
__device__ inline std::uint32_t pack_e4m3x4(float x0, float x1, float x2, float x3) {
  return permute_bytes(pack_e4m3x2(x0, x1), pack_e4m3x2(x2, x3), 0x5410);
}

}  // namespace flashcore::kernels
