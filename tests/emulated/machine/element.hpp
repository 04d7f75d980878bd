// Elements of one or two bytes, as operands of matrix instructions.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace flashcore::emulated {

using ToFloat = float (*)(std::uint16_t bits);  // one-byte elements are in the low byte

template <class T>
float element_to_float(std::uint16_t bits);
template <>
float element_to_float<__half>(std::uint16_t bits);
template <>
float element_to_float<__nv_bfloat16>(std::uint16_t bits);

float e4m3_to_float(std::uint16_t bits);
std::uint8_t e4m3_from_float(float x);

// The two elements of a register, the first in the low half.
constexpr std::uint16_t low_half(std::uint32_t pair) { return static_cast<std::uint16_t>(pair); }
constexpr std::uint16_t high_half(std::uint32_t pair) { return static_cast<std::uint16_t>(pair >> 16); }

}  // namespace flashcore::emulated
