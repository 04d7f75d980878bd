// Stands in for kernels/common/e4m3_ptx.cuh: the same functions, on the emulated machine.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "emulated/machine/element.hpp"
#include "emulated/machine/matrix.hpp"

namespace flashcore::kernels {

// PTX ISA, "cvt".
inline std::uint32_t pack_e4m3(float x0, float x1, float x2, float x3) {
  std::uint32_t elements = 0;
  for (const float x : {x3, x2, x1, x0}) elements = elements << 8 | emulated::e4m3_from_float(x);
  return elements;
}

// PTX ISA, "Matrix Fragments for mma.m16n8k32".
inline void mma_m16n8k32_e4m3(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                              std::uint32_t b1) {
  emulated::mma_m16n8k32(d, a, b0, b1, emulated::e4m3_to_float);
}

// PTX ISA, "prmt".
inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  const std::uint64_t source = std::uint64_t{high} << 32 | low;
  std::uint32_t bytes = 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t digit = selector >> 4 * i & 7;
    bytes |= static_cast<std::uint32_t>(source >> 8 * digit & 0xFF) << 8 * i;
  }
  return bytes;
}

}  // namespace flashcore::kernels
