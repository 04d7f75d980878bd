// Element types of the CPU and their conversions to and from float, in portable integer arithmetic.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "attention/args.hpp"
#include "attention/dtype.hpp"
#include "kernels/common/e4m3.hpp"
#include "kernels/common/indexing.hpp"

namespace flashcore::kernels {

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
struct Fp16 {
  static constexpr Dtype kDtype = Dtype::fp16;
  std::uint16_t bits;
};

// The upper half of a float: 1 sign, 8 exponent, 7 fraction bits.
struct Bf16 {
  static constexpr Dtype kDtype = Dtype::bf16;
  std::uint16_t bits;
};

constexpr float to_float(Bf16 x) { return std::bit_cast<float>(std::uint32_t{x.bits} << 16); }

// The fraction is moved into place and the exponent's bias corrected by a multiplication, which is exact and
// takes care of denormals.
constexpr float to_float(Fp16 x) {
  const std::uint32_t sign = (x.bits & 0x8000u) << 16;
  const std::uint32_t magnitude = (x.bits & 0x7fffu) << 13;
  constexpr std::uint32_t kInfinity = 0x7c00u << 13;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  if (magnitude >= kInfinity) bits |= 0x7f800000u;
  return std::bit_cast<float>(bits | sign);
}

template <class T>
constexpr T from_float(float x);

// Rounds to nearest, ties to even; values that are too large become infinite; NaN stays NaN and becomes
// quiet.
template <>
constexpr Bf16 from_float<Bf16>(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

template <>
constexpr Fp16 from_float<Fp16>(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    magnitude = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520: halfway from the largest binary16 to the next power of two
    magnitude = 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // below 2^-14: adding 0.5 makes the FPU round at bit 2^-24
    magnitude = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u;
  } else {
    magnitude = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - (112u << 23)) >> 13;
  }
  return {static_cast<std::uint16_t>(sign | magnitude)};
}

template <>
constexpr E4m3 from_float<E4m3>(float x) {
  return e4m3_from_float(x);
}

// Calls function(T{}) with the element type of a dtype.
template <class Function>
constexpr decltype(auto) visit_dtype(Dtype dtype, Function&& function) {
  switch (dtype) {
    case Dtype::fp16:
      return function(Fp16{});
    case Dtype::bf16:
      break;
    case Dtype::e4m3:
      return function(E4m3{});
  }
  return function(Bf16{});
}

// The same for the dtypes that O can have.
template <class Function>
constexpr decltype(auto) visit_output_dtype(Dtype dtype, Function&& function) {
  return dtype == Dtype::fp16 ? function(Fp16{}) : function(Bf16{});
}

// The same with the element type of O, for Q, K and V with elements of T.
template <class T, class Function>
constexpr decltype(auto) visit_output_of(const AttentionArgs& args, Function&& function) {
  if constexpr (traits(T::kDtype).scaled) {
    return visit_output_dtype(args.out_dtype, function);
  } else {
    return function(T{});
  }
}

// The same with the element type of K and V, which is that of Q or E4m3.
template <class T, class Function>
constexpr decltype(auto) visit_kv_of(const AttentionArgs& args, Function&& function) {
  if constexpr (T::kDtype == Dtype::e4m3) {
    return function(T{});
  } else {
    return args.kv_dtype == T::kDtype ? function(T{}) : function(E4m3{});
  }
}

inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

}  // namespace flashcore::kernels
