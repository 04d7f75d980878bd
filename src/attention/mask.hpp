// The mask: which keys a query sees. Kernels, references, peers and FLOP counts all use this definition.
#pragma once

#include <cstdint>

#include "base/words.hpp"

namespace flashcore {

//   window  keys from `left` before the query's diagonal to `right` after it; causal is right = 0
//   chunk   as window, but only the chunk of `chunk` keys that contains the diagonal (Llama 4's local layers)
//   bits    one packed bit per query and key, for trees of draft tokens
enum class MaskKind : int { window, chunk, bits };
inline constexpr std::string_view kMaskKindWords[] = {"window", "chunk", "bits"};
constexpr Words words(MaskKind) { return kMaskKindWords; }

// A range of keys: [begin, end), empty if begin == end.
struct KeyRange {
  std::int32_t begin;
  std::int32_t end;
};

// How many pairs of a tile are unmasked: none, some, or all.
enum class TileCover : int { empty, cut, whole };

// The diagonal is aligned bottom-right: the diagonal of query i is key i + seq_kv - seq_q, as in
// FlashAttention 2.1 and later. A query that sees no key has out = 0 and lse = -inf.
struct Mask {
  MaskKind kind = MaskKind::window;
  std::int32_t left = -1;   // keys seen before the diagonal, -1: all
  std::int32_t right = -1;  // keys seen after the diagonal, -1: all, 0: causal
  std::int32_t chunk = 0;   // keys per chunk, for MaskKind::chunk

  constexpr bool operator==(const Mask&) const = default;

  // True if the mask can hide keys after a query's diagonal. Later queries then see more keys.
  constexpr bool hides_later_keys() const { return right >= 0; }
  constexpr bool hides_nothing() const { return kind == MaskKind::window && left < 0 && right < 0; }

  // The keys that a query sees, in a sequence of seq_q queries and seq_kv keys. `begin` and `end` never
  // decrease from one query to the next. MaskKind::bits has no such range.
  constexpr KeyRange keys(std::int32_t query, std::int32_t seq_q, std::int32_t seq_kv) const {
    const std::int64_t diagonal = std::int64_t{query} + seq_kv - seq_q;
    std::int64_t begin = left < 0 ? 0 : diagonal - left;
    std::int64_t end = right < 0 ? seq_kv : diagonal + right + 1;
    if (kind == MaskKind::chunk && diagonal >= 0) {
      const std::int64_t chunk_begin = diagonal - diagonal % chunk;
      begin = begin < chunk_begin ? chunk_begin : begin;
      end = end > chunk_begin + chunk ? chunk_begin + chunk : end;
    }
    begin = begin < 0 ? 0 : (begin > seq_kv ? seq_kv : begin);
    end = end < begin ? begin : (end > seq_kv ? seq_kv : end);
    return {static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end)};
  }

  // The keys that at least one query of [first, last] sees.
  constexpr KeyRange keys_of_any(std::int32_t first, std::int32_t last, std::int32_t seq_q,
                                 std::int32_t seq_kv) const {
    return {keys(first, seq_q, seq_kv).begin, keys(last, seq_q, seq_kv).end};
  }

  // The keys that every query of [first, last] sees; empty if end <= begin.
  constexpr KeyRange keys_of_all(std::int32_t first, std::int32_t last, std::int32_t seq_q,
                                 std::int32_t seq_kv) const {
    return {keys(last, seq_q, seq_kv).begin, keys(first, seq_q, seq_kv).end};
  }

  // For the tile of queries [first, last] and keys [tile.begin, tile.end).
  constexpr TileCover cover(std::int32_t first, std::int32_t last, KeyRange tile, std::int32_t seq_q,
                            std::int32_t seq_kv) const {
    const KeyRange any = keys_of_any(first, last, seq_q, seq_kv);
    if (tile.begin >= any.end || tile.end <= any.begin) return TileCover::empty;
    const KeyRange all = keys_of_all(first, last, seq_q, seq_kv);
    return tile.begin >= all.begin && tile.end <= all.end ? TileCover::whole : TileCover::cut;
  }
};

}  // namespace flashcore
