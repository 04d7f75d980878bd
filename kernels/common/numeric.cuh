// Element types of the device and their conversions to and from float.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "attention/dtype.hpp"

namespace flashcore::kernels {

template <Dtype kDtype>
struct ElementOf;
template <>
struct ElementOf<Dtype::fp16> {
  using Type = __half;
};
template <>
struct ElementOf<Dtype::bf16> {
  using Type = __nv_bfloat16;
};
template <Dtype kDtype>
using Element = typename ElementOf<kDtype>::Type;

__device__ inline float to_float(__half x) { return __half2float(x); }
__device__ inline float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ inline float2 to_float2(__half2 x) { return __half22float2(x); }
__device__ inline float2 to_float2(__nv_bfloat162 x) { return __bfloat1622float2(x); }

template <class T>
__device__ T from_float(float x);
template <>
__device__ inline __half from_float<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

// Two neighbouring elements.
template <class T>
struct PairOf;
template <>
struct PairOf<__half> {
  using Type = __half2;
};
template <>
struct PairOf<__nv_bfloat16> {
  using Type = __nv_bfloat162;
};
template <class T>
using Pair = typename PairOf<T>::Type;

__device__ inline __half2 pair_from_floats(float x, float y, __half2) { return __floats2half2_rn(x, y); }
__device__ inline __nv_bfloat162 pair_from_floats(float x, float y, __nv_bfloat162) {
  return __floats2bfloat162_rn(x, y);
}

template <class T>
__device__ Pair<T> pair_from_floats(float x, float y) {
  return pair_from_floats(x, y, Pair<T>{});
}

// Two elements in one register, x in the low half, in the layout of matrix instructions.
template <class T>
__device__ std::uint32_t pack(float x, float y) {
  const Pair<T> pair = pair_from_floats<T>(x, y);
  return reinterpret_cast<const std::uint32_t&>(pair);
}

}  // namespace flashcore::kernels
