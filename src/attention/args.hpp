// What every kernel, reference and peer receives: one attention problem as pointers, sizes and strides.
#pragma once

#include <cstdint>

#include "attention/dtype.hpp"

namespace flashcore {

// Distances in elements; the head_dim axis is contiguous (stride 1).
struct Strides {
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row = 0;
};

// out = softmax(mask(softcap(scale · Q·Kᵀ)))·V for each batch and query head.
//   q, out  [batch, heads_q, seq_q, head_dim]     k, v  [batch, heads_kv, seq_kv, head_dim]
// Query head h reads KV head h / (heads_q / heads_kv).
struct AttentionArgs {
  const void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  void* out = nullptr;
  float* lse = nullptr;       // [batch, heads_q, seq_q], natural log of the sum of exp; null when not wanted
  void* workspace = nullptr;  // Variant::workspace_bytes(args) bytes, contents undefined at launch
  Strides q_stride, k_stride, v_stride, out_stride;
  std::int32_t batch = 0;
  std::int32_t heads_q = 0;
  std::int32_t heads_kv = 0;
  std::int32_t seq_q = 0;
  std::int32_t seq_kv = 0;
  std::int32_t head_dim = 0;
  float scale = 0;
  float softcap = 0;               // 0: none; else scores become softcap · tanh(score / softcap)
  std::int32_t window_left = -1;   // keys seen before the diagonal, -1: all
  std::int32_t window_right = -1;  // keys seen after the diagonal, -1: all, 0: causal
};

// What scaled dtypes (attention/dtype.hpp) need besides. Not in AttentionArgs, which is part of what CUDA kernels
// receive: the machine code of all of them would change, and what was tuned with it be void.
struct ScaledAttentionArgs : AttentionArgs {
  constexpr ScaledAttentionArgs() = default;
  constexpr ScaledAttentionArgs(const AttentionArgs& args) : AttentionArgs(args) {}  // without factors

  // A tensor's values are its elements times the factor of their head: [batch, heads_kv], that of q for all
  // query heads of a KV head, as in FlashAttention 3; null: 1.
  const float* q_descale = nullptr;
  const float* k_descale = nullptr;
  const float* v_descale = nullptr;
  Dtype out_dtype = Dtype::fp16;  // of out
};

// The keys that one query sees: [begin, end), empty when begin == end.
struct KeyRange {
  std::int32_t begin;
  std::int32_t end;
};

// The mask, in one place. The diagonal is aligned bottom-right: query i stands at key i + seq_kv - seq_q, as
// in FlashAttention 2.1 and later. A query that sees no key has out = 0 and lse = -inf.
constexpr KeyRange visible_keys(const AttentionArgs& args, std::int32_t query) {
  const std::int64_t diagonal = std::int64_t{query} + args.seq_kv - args.seq_q;
  std::int64_t begin = args.window_left < 0 ? 0 : diagonal - args.window_left;
  std::int64_t end = args.window_right < 0 ? args.seq_kv : diagonal + args.window_right + 1;
  begin = begin < 0 ? 0 : (begin > args.seq_kv ? args.seq_kv : begin);
  end = end < begin ? begin : (end > args.seq_kv ? args.seq_kv : end);
  return {static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end)};
}

}  // namespace flashcore
