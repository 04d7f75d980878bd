// Matrix instructions of a warp.
#pragma once

#include <cstdint>

#include "emulated/machine/element.hpp"

namespace flashcore::emulated {

// ldmatrix.x4 and .trans (PTX ISA, "ldmatrix").
void load_matrix_x4(std::uint32_t (&fragment)[4], std::uint32_t smem);
void load_matrix_x4_transposed(std::uint32_t (&fragment)[4], std::uint32_t smem);

// stmatrix.x4 (PTX ISA, "stmatrix").
void store_matrix_x4(std::uint32_t smem, const std::uint32_t (&fragment)[4]);

// mma.m16n8k16 with FP32 accumulators (PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point
// type").
void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                  ToFloat to_float);

// mma.m16n8k32 of elements of one byte with FP32 accumulators (PTX ISA, "Matrix Fragments for mma.m16n8k32").
void mma_m16n8k32(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                  ToFloat to_float);

}  // namespace flashcore::emulated
