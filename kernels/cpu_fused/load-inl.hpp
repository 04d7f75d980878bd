// Vector types of cpu_fused, and loads of elements as vectors of float. No include guard: see kernel-inl.hpp.
#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "kernels/common/cpu_numeric.hpp"
#include "kernels/cpu_fused/tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace flashcore::kernels::cpu_fused::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, kPanelRows>;
using IntTag = hn::RebindToSigned<FloatTag>;
using UintTag = hn::RebindToUnsigned<FloatTag>;
using HalfTag = hn::Rebind<std::uint16_t, FloatTag>;
using ByteTag = hn::Rebind<std::uint8_t, FloatTag>;
using FloatVec = hn::Vec<FloatTag>;
using UintVec = hn::Vec<UintTag>;

constexpr FloatTag kFloat;
constexpr IntTag kInt;
constexpr UintTag kUint;
constexpr HalfTag kHalf;
constexpr ByteTag kByte;
constexpr std::size_t kLanes = hn::MaxLanes(kFloat);

// The conversions of cpu_numeric.hpp.
HWY_INLINE FloatVec load_as_float(const Bf16* source) {
  const auto bits = hn::LoadU(kHalf, reinterpret_cast<const std::uint16_t*>(source));
  return hn::BitCast(kFloat, hn::ShiftLeft<16>(hn::PromoteTo(kUint, bits)));
}

HWY_INLINE FloatVec load_as_float(const Fp16* source) {
  const auto half = hn::LoadU(kHalf, reinterpret_cast<const std::uint16_t*>(source));
  const UintVec bits = hn::PromoteTo(kUint, half);
  const UintVec magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(kUint, 0x7fffu)));
  const UintVec sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(kUint, 0x8000u)));
  const FloatVec value = hn::Mul(hn::BitCast(kFloat, magnitude), hn::Set(kFloat, 0x1p112f));
  const auto overflow = hn::Gt(hn::BitCast(kInt, magnitude), hn::Set(kInt, (0x7c00 << 13) - 1));
  const UintVec exponent = hn::BitCast(kUint, hn::IfThenElseZero(overflow, hn::Set(kInt, 0x7f800000)));
  return hn::BitCast(kFloat, hn::Or(hn::Or(hn::BitCast(kUint, value), exponent), sign));
}

HWY_INLINE FloatVec load_as_float(const E4m3* source) {
  const auto byte = hn::LoadU(kByte, reinterpret_cast<const std::uint8_t*>(source));
  const UintVec bits = hn::PromoteTo(kUint, byte);
  const UintVec magnitude = hn::ShiftLeft<20>(hn::And(bits, hn::Set(kUint, 0x7fu)));
  const UintVec sign = hn::ShiftLeft<24>(hn::And(bits, hn::Set(kUint, 0x80u)));
  const FloatVec value = hn::Mul(hn::BitCast(kFloat, magnitude), hn::Set(kFloat, 0x1p120f));
  const auto is_nan = hn::Eq(hn::BitCast(kInt, magnitude), hn::Set(kInt, 0x7f << 20));
  const UintVec nan = hn::BitCast(kUint, hn::IfThenElseZero(is_nan, hn::Set(kInt, 0x7fc00000)));
  return hn::BitCast(kFloat, hn::Or(hn::Or(hn::BitCast(kUint, value), nan), sign));
}

template <class T>
HWY_INLINE void load_row(const T* source, std::size_t head_dim, float* row) {
  for (std::size_t d = 0; d < head_dim; d += kLanes) hn::Store(load_as_float(source + d), kFloat, row + d);
}

}  // namespace flashcore::kernels::cpu_fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
