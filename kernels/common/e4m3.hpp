// An element of e4m3 and its conversions, in integer arithmetic that is the same on the host and on every
// device. Devices before compute capability 8.9 have no instruction for it.
#pragma once

#include <bit>
#include <cstdint>

#include "attention/dtype.hpp"
#include "kernels/common/host_device.hpp"

namespace flashcore::kernels {

// 1 sign, 4 exponent, 3 fraction bits. All ones are NaN, and there is no infinity.
struct E4m3 {
  static constexpr Dtype kDtype = Dtype::e4m3;
  std::uint8_t bits;
};

// The fraction is moved into place and the exponent's bias corrected by a multiplication, which is exact and
// takes care of denormals.
FLASHCORE_HOST_DEVICE constexpr float to_float(E4m3 x) {
  const std::uint32_t sign = (x.bits & 0x80u) << 24;
  const std::uint32_t magnitude = (x.bits & 0x7fu) << 20;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p120f);
  if (magnitude == 0x7fu << 20) bits = 0x7fc00000u;
  return std::bit_cast<float>(bits | sign);
}

// Rounds to nearest, ties to even. Values that are too large, infinities included, become 448 with their
// sign; NaN stays NaN.
FLASHCORE_HOST_DEVICE constexpr E4m3 e4m3_from_float(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 24 & 0x80u;
  std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    magnitude = 0x7fu;
  } else if (magnitude >= 0x43e00000u) {  // 448
    magnitude = 0x7eu;
  } else if (magnitude < 0x3c800000u) {  // below 2^-6: adding 2^14 makes the FPU round at bit 2^-9
    magnitude = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0x1p14f) - 0x46800000u;
  } else {
    magnitude = (magnitude + 0x7ffffu + (magnitude >> 20 & 1u) - (120u << 23)) >> 20;
  }
  return {static_cast<std::uint8_t>(sign | magnitude)};
}

}  // namespace flashcore::kernels
