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

// "Matrix Fragments for mma.m16n8k32"
inline void mma_m16n8k32_e4m3(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                              std::uint32_t b1) {
  emulated::mma_m16n8k32(d, a, b0, b1, emulated::e4m3_to_float);
}

}  // namespace flashcore::kernels::ptx
