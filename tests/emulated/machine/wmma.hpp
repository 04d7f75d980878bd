// 16 x 16 x 16 products of the WMMA interface (CUDA C++ Programming Guide, "Warp matrix functions").
//
// Which lane holds which element is unspecified; here lane l holds elements 8 · l to 8 · l + 7 of the
// row-major matrix.
#pragma once

#include <cstdint>

#include "emulated/machine/element.hpp"

namespace flashcore::emulated {

inline constexpr int kWmmaSide = 16;
inline constexpr int kWmmaElements = kWmmaSide * kWmmaSide / 32;  // of a lane

// The offset of this lane's element `index` in a matrix with this leading dimension.
std::int64_t wmma_offset(int index, unsigned leading_dimension, bool row_major);

// Called by all lanes of a warp before a fragment is loaded or stored; throws when the address is not
// aligned.
void wmma_access(const void* matrix);

// d = a · b + c
struct WmmaLane {
  float* d;
  const std::uint16_t* a;
  const std::uint16_t* b;
  const float* c;
  ToFloat to_float;
};
void wmma_multiply(const WmmaLane& lane);

}  // namespace flashcore::emulated
