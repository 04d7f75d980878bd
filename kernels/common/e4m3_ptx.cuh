// PTX for elements of one byte (sm_89 and later), one function an instruction; each names its section of the
// PTX ISA manual.
#pragma once

#include <cstdint>

namespace flashcore::kernels {

// cvt.rn.satfinite.e4m3x2.f32 of two pairs, and mov.b32 to join them: four elements, the first in the lowest
// byte. To nearest, ties to even; what is beyond ±448 becomes ±448, NaN stays NaN. One statement, because the
// compiler carries halves through loops where it can join them later. "cvt", "mov".
__device__ inline std::uint32_t pack_e4m3(float x0, float x1, float x2, float x3) {
  std::uint32_t elements;
  asm("{\n"
      ".reg .b16 low, high;\n"
      "cvt.rn.satfinite.e4m3x2.f32 low, %2, %1;\n"
      "cvt.rn.satfinite.e4m3x2.f32 high, %4, %3;\n"
      "mov.b32 %0, {low, high};\n"
      "}"
      : "=r"(elements)
      : "f"(x0), "f"(x1), "f"(x2), "f"(x3));
  return elements;
}

// prmt: four of the eight bytes of low and high, numbered from the lowest of low; a digit of the selector
// names one, the lowest digit that of the lowest byte. "prmt".
__device__ inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  std::uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(selector));
  return bytes;
}

}  // namespace flashcore::kernels
