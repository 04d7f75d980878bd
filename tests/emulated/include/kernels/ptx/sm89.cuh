// Replaces kernels/ptx/sm89.cuh: the same functions on the emulated machine. Titles in quotes are
// sections of the PTX ISA manual.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "emulated/machine/element.hpp"
#include "emulated/machine/matrix.hpp"

namespace flashcore::kernels::ptx {

// "cvt"
inline std::uint32_t pack_e4m3(float x0, float x1, float x2, float x3) {
  std::uint32_t elements = 0;
  for (const float x : {x3, x2, x1, x0}) elements = elements << 8 | emulated::e4m3_from_float(x);
  return elements;
}

// "cvt"
inline void unpack_e4m3(std::uint32_t (&pairs)[2], std::uint32_t elements) {
  const auto fp16 = [&](int i) {
    const __half x = __float2half_rn(emulated::e4m3_to_float(elements >> 8 * i & 0xFF));
    return std::uint32_t{reinterpret_cast<const std::uint16_t&>(x)};
  };
  pairs[0] = fp16(0) | fp16(1) << 16;
  pairs[1] = fp16(2) | fp16(3) << 16;
}

// "Matrix Fragments for mma.m16n8k32"
inline void mma_m16n8k32_e4m3(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                              std::uint32_t b1) {
  emulated::mma_m16n8k32(d, a, b0, b1, emulated::e4m3_to_float);
}

}  // namespace flashcore::kernels::ptx
