// The element types of inputs, reference and comparison on the device, e4m3 included.
#pragma once

#include <type_traits>

#include "kernels/common/e4m3.hpp"
#include "kernels/common/numeric.cuh"

namespace flashcore::kernels {

template <>
__device__ inline E4m3 from_float<E4m3>(float x) {
  return e4m3_from_float(x);
}

// Calls function(T{}) with the element type that O can have.
template <class Function>
decltype(auto) visit_output_element(Dtype dtype, Function&& function) {
  return dtype == Dtype::fp16 ? function(Element<Dtype::fp16>{}) : function(Element<Dtype::bf16>{});
}

// The same with the element type of Q.
template <class Function>
decltype(auto) visit_element(Dtype dtype, Function&& function) {
  return dtype == Dtype::e4m3 ? function(E4m3{}) : visit_output_element(dtype, function);
}

// The same with the element type of K and V under Q with elements of T: T or E4m3.
template <class T, class Function>
decltype(auto) visit_kv_element(Dtype kv_dtype, Function&& function) {
  if constexpr (std::is_same_v<T, E4m3>) {
    return function(E4m3{});
  } else {
    return kv_dtype == Dtype::e4m3 ? function(E4m3{}) : function(T{});
  }
}

}  // namespace flashcore::kernels
