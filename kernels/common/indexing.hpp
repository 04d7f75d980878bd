// Where elements lie in memory, and arithmetic around tiles: the same on the host and on the device.
#pragma once

#include <cstdint>
#include <type_traits>

#include "attention/kv_layout.hpp"

namespace flashcore::kernels {

template <class A, class B>
constexpr std::common_type_t<A, B> ceil_div(A a, B b) {
  return (a + b - 1) / b;
}

// Pointer to element (batch, head, row 0, column 0).
template <class T, class Index>
constexpr T* head_pointer(T* base, const Strides& stride, Index batch, Index head) {
  return base + batch * stride.batch + head * stride.head;
}

// Pointer to element (batch, head, row, column 0).
template <class T>
constexpr T* row_pointer(T* base, const Strides& stride, std::int64_t batch, std::int64_t head,
                         std::int64_t row) {
  return head_pointer(base, stride, batch, head) + row * stride.row;
}

// True when every row starts at a multiple of `elements`, given that the tensor does.
constexpr bool are_multiples(const Strides& stride, std::int64_t elements) {
  return stride.batch % elements == 0 && stride.head % elements == 0 && stride.row % elements == 0;
}

// Place of a KV head in arrays [batch, heads_kv].
template <class Args>
constexpr std::int64_t kv_head_index(const Args& args, std::int64_t batch, std::int64_t head_kv) {
  return batch * args.heads_kv + head_kv;
}

// The descale factor of one KV head, from its kv_head_index(); 1 when there are none.
constexpr float descale_of(const float* factors, std::int64_t head) {
  return factors == nullptr ? 1.0f : factors[head];
}
template <class Args>
constexpr float descale_of(const float* factors, const Args& args, std::int64_t batch, std::int64_t head_kv) {
  return descale_of(factors, kv_head_index(args, batch, head_kv));
}

}  // namespace flashcore::kernels
