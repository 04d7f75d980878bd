// PTX for elements of one byte (sm_89 and later), one function an instruction; each names its section of the
// PTX ISA manual.
#pragma once

#include <cstdint>

namespace flashcore::kernels {

// cvt.rn.satfinite.e4m3x2.f32: two elements, x in the low byte. To nearest, ties to even; what is beyond ±448
// becomes ±448, NaN stays NaN. "cvt".
__device__ inline std::uint16_t pack_e4m3x2(float x, float y) {
  std::uint16_t pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(y), "f"(x));
  return pair;
}

// mov.b32 of a pair: ptxas makes it part of the conversion that gave `high`. "mov".
__device__ inline std::uint32_t join_halves(std::uint16_t low, std::uint16_t high) {
  std::uint32_t joined;
  asm("mov.b32 %0, {%1, %2};" : "=r"(joined) : "h"(low), "h"(high));
  return joined;
}

// prmt: four of the eight bytes of low and high, numbered from the lowest of low; a digit of the selector
// names one, the lowest digit that of the lowest byte. "prmt".
__device__ inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  std::uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(selector));
  return bytes;
}

}  // namespace flashcore::kernels
