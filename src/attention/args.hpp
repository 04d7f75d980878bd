// One attention problem as pointers, sizes and strides. Families, references and peers receive it.
#pragma once

#include <cstdint>

#include "attention/dtype.hpp"
#include "attention/kv_layout.hpp"
#include "attention/mask.hpp"
#include "attention/sequences.hpp"

namespace flashcore {

// The logarithm of a log-sum-exp.
enum class LseBase : int { natural, two };

// out = softmax(mask(softcap(scale · Q·Kᵀ)))·V for each sequence and query head.
//   q  [batch, heads_q, seq_q, head_dim]      out  [batch, heads_q, seq_q, head_dim_v]
//   k  [batch, heads_kv, seq_kv, head_dim]    v    [batch, heads_kv, seq_kv, head_dim_v]
// Query head h reads KV head h / (heads_q / heads_kv). attention/sequences.hpp tells of ragged batches, and
// attention/kv_layout.hpp of paged caches.
//
// New members do not change compiled kernels: a CUDA kernel receives its family's own Params, never this
// struct.
//
// Members that only the C interface sets (capi/flashcore_v2.h) have the defaults that a problem has: lse_stride and
// lse_base, which no kernel for CUDA knows yet (kLseLayout), and mask_bits.
struct AttentionArgs {
  const void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  void* out = nullptr;
  float* lse = nullptr;       // log-sum-exp, see lse_index() and lse_value(); null: not requested
  void* workspace = nullptr;  // Variant::workspace_bytes(args) bytes, undefined at launch
  void* plan = nullptr;       // Variant::plan_bytes(args) bytes, written by Variant::plan()
  Strides q_stride, out_stride;
  Strides lse_stride;  // all 0: contiguous
  LseBase lse_base = LseBase::natural;
  KvLayout kv;
  Sequences sequences;
  std::int32_t heads_q = 0;
  std::int32_t heads_kv = 0;
  std::int32_t head_dim = 0;
  std::int32_t head_dim_v = 0;
  float scale = 0;
  float softcap = 0;  // 0: none; otherwise a score becomes softcap · tanh(score / softcap)
  Mask mask;
  // Of MaskKind::bits, which hides keys of the windows: bit key % 32 of a word at row query and column key / 32. Strides
  // are in words. [batch, heads_q, seq_q, ceil(seq_kv / 32)], with rows counted as in q.
  const std::uint32_t* mask_bits = nullptr;
  Strides mask_bits_stride;
  // [heads_q], null: none. The softmax of a head counts one more score, which has no key: its sink. It is neither scaled
  // nor capped, and part of the log-sum-exp. A row without a key then has out = 0 and lse = its sink.
  const float* sinks = nullptr;

  // Descale factors for scaled dtypes (attention/dtype.hpp): [batch, heads_kv], null: 1. The value of an
  // element is the element times the factor of its head. All query heads of a KV head share one factor of q,
  // as in FlashAttention 3.
  const float* q_descale = nullptr;
  const float* k_descale = nullptr;
  const float* v_descale = nullptr;
  Dtype kv_dtype = Dtype::fp16;   // dtype of k and v
  Dtype out_dtype = Dtype::fp16;  // dtype of out

  constexpr KeyRange visible_keys(std::int64_t sequence, std::int32_t query) const {
    return mask.keys(query, sequences.queries(sequence), sequences.keys(sequence));
  }
  constexpr std::int64_t kv_head(std::int64_t head_q) const { return head_q / (heads_q / heads_kv); }
  // Offsets in elements.
  constexpr std::int64_t query_offset(const Strides& stride, std::int64_t sequence, std::int64_t head,
                                      std::int64_t row) const {
    return sequence * stride.batch + head * stride.head +
           (sequences.first_query(sequence) + row) * stride.row;
  }
  constexpr std::int64_t key_offset(const Strides& stride, std::int64_t sequence, std::int64_t head_kv,
                                    std::int64_t key) const {
    const std::int64_t head = head_kv * stride.head;
    if (kv.is_paged()) {
      const std::int64_t page = kv.page_table[sequence * kv.page_table_stride + key / kv.page_size];
      return page * stride.batch + head + key % kv.page_size * stride.row;
    }
    return sequence * stride.batch + head + (sequences.first_key(sequence) + key) * stride.row;
  }
  // lse is [batch, heads_q, seq_q], or [heads_q, total_q] of a ragged batch.
  constexpr Strides lse_strides() const {
    if (lse_stride != Strides{}) return lse_stride;
    if (sequences.is_ragged()) return {.batch = 0, .head = sequences.total_q, .row = 1};
    return {.batch = std::int64_t{heads_q} * sequences.seq_q, .head = sequences.seq_q, .row = 1};
  }
  constexpr std::int64_t lse_index(std::int64_t sequence, std::int64_t head, std::int64_t row) const {
    return query_offset(lse_strides(), sequence, head, row);
  }
  // What lse gets for a natural logarithm.
  constexpr float lse_value(float natural) const {
    constexpr float kLog2OfE = 1.44269504f;
    return lse_base == LseBase::two ? natural * kLog2OfE : natural;
  }
  // True if kernels that write the natural logarithm without gaps would write something else than lse needs.
  constexpr bool has_lse_layout() const {
    return lse != nullptr && (lse_stride != Strides{} || lse_base != LseBase::natural);
  }
};

}  // namespace flashcore
