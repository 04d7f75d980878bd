// The lengths of a problem's sequences, as kernels receive them.
#pragma once

#include <cstdint>

namespace flashcore {

// Without arrays, all sequences have seq_q queries and seq_kv keys. The arrays are in the memory of the tensors, so that
// a captured launch can be replayed with other lengths; the maxima and `batch` then stay the same.
struct Sequences {
  std::int32_t batch = 0;
  std::int32_t seq_q = 0;   // queries of the longest sequence
  std::int32_t seq_kv = 0;  // keys of the longest sequence

  // [batch + 1], rising from 0: rows [cu_seqlens[i], cu_seqlens[i + 1]) belong to sequence i. The tensors may have more
  // rows than cu_seqlens[batch]. Null: each sequence has seq_q or seq_kv rows, one batch stride apart.
  const std::int32_t* cu_seqlens_q = nullptr;  // rows of Q and O
  const std::int32_t* cu_seqlens_k = nullptr;  // rows of K and V; null for a paged cache
  // [batch], null: all rows. Sequence i uses its first seqused[i] rows.
  const std::int32_t* seqused_q = nullptr;
  const std::int32_t* seqused_k = nullptr;

  std::int64_t total_q = 0;  // rows of Q and O of a ragged batch, unused ones included; 0: not ragged
  std::int64_t total_k = 0;  // rows of K and V, alike; 0: not ragged, or paged

  constexpr bool operator==(const Sequences&) const = default;

  constexpr bool is_ragged() const { return total_q > 0; }

  constexpr std::int32_t queries(std::int64_t sequence) const {
    return length(sequence, cu_seqlens_q, seqused_q, seq_q);
  }
  constexpr std::int32_t keys(std::int64_t sequence) const {
    return length(sequence, cu_seqlens_k, seqused_k, seq_kv);
  }
  // The first row of a sequence within its batch stride.
  constexpr std::int64_t first_query(std::int64_t sequence) const { return first(sequence, cu_seqlens_q); }
  constexpr std::int64_t first_key(std::int64_t sequence) const { return first(sequence, cu_seqlens_k); }

  constexpr std::int32_t max_queries() const { return seq_q; }
  constexpr std::int32_t max_keys() const { return seq_kv; }

 private:
  static constexpr std::int32_t length(std::int64_t sequence, const std::int32_t* cu_seqlens,
                                       const std::int32_t* seqused, std::int32_t all) {
    if (seqused != nullptr) return seqused[sequence];
    return cu_seqlens == nullptr ? all : cu_seqlens[sequence + 1] - cu_seqlens[sequence];
  }
  static constexpr std::int64_t first(std::int64_t sequence, const std::int32_t* cu_seqlens) {
    return cu_seqlens == nullptr ? 0 : cu_seqlens[sequence];
  }
};

}  // namespace flashcore
