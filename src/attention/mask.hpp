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

// The keys from `left` before to `right` after a query's diagonal, each -1 for all; causal is right = 0. The
// diagonal is aligned bottom-right: the diagonal of query i is key i + seq_kv - seq_q, as in FlashAttention
// 2.1 and later.
struct Window {
  std::int32_t left = -1;
  std::int32_t right = -1;

  constexpr bool operator==(const Window&) const = default;

  // True if the window can hide keys after a query's diagonal. Later queries then see more keys.
  constexpr bool hides_later_keys() const { return right >= 0; }
  constexpr bool hides_nothing() const { return left < 0 && right < 0; }

  // Keys of query `query` of a sequence of seq_q queries and seq_kv keys. Both ends never fall as the query
  // grows. The lengths are references so that a CUDA kernel loads them where it uses them: passed by value,
  // they change the machine code of every kernel.
  constexpr KeyRange keys(std::int32_t query, const std::int32_t& seq_q, const std::int32_t& seq_kv) const {
    const std::int64_t diagonal = std::int64_t{query} + seq_kv - seq_q;
    std::int64_t begin = left < 0 ? 0 : diagonal - left;
    std::int64_t end = right < 0 ? seq_kv : diagonal + right + 1;
    begin = begin < 0 ? 0 : (begin > seq_kv ? seq_kv : begin);
    end = end < begin ? begin : (end > seq_kv ? seq_kv : end);
    return {static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end)};
  }
};

// Keys that some query of [first, last] sees, where keys_of(query) are the keys of one query and both ends
// never fall as the query grows. Every other key is seen by none of them.
template <class KeysOf>
constexpr KeyRange keys_of_any(std::int32_t first, std::int32_t last, const KeysOf& keys_of) {
  return {keys_of(first).begin, keys_of(last).end};
}

// Keys that every query of [first, last] sees; empty when end <= begin.
template <class KeysOf>
constexpr KeyRange keys_of_all(std::int32_t first, std::int32_t last, const KeysOf& keys_of) {
  return {keys_of(last).begin, keys_of(first).end};
}

// A query that sees no key has out = 0 and lse = -inf.
struct Mask {
  MaskKind kind = MaskKind::window;
  std::int32_t left = -1;   // keys seen before the diagonal, -1: all
  std::int32_t right = -1;  // keys seen after the diagonal, -1: all, 0: causal
  std::int32_t chunk = 0;   // keys per chunk, for MaskKind::chunk

  constexpr bool operator==(const Mask&) const = default;

  constexpr Window window() const { return {.left = left, .right = right}; }
  constexpr bool hides_later_keys() const { return window().hides_later_keys(); }
  constexpr bool hides_nothing() const { return kind == MaskKind::window && window().hides_nothing(); }

  // The keys that a query sees, in a sequence of seq_q queries and seq_kv keys. MaskKind::bits has no such
  // range.
  constexpr KeyRange keys(std::int32_t query, std::int32_t seq_q, std::int32_t seq_kv) const {
    const KeyRange seen = window().keys(query, seq_q, seq_kv);
    return kind == MaskKind::chunk ? within_chunk(seen, std::int64_t{query} + seq_kv - seq_q) : seen;
  }

  // As the functions of the same names above.
  constexpr KeyRange keys_of_any(std::int32_t first, std::int32_t last, std::int32_t seq_q,
                                 std::int32_t seq_kv) const {
    return flashcore::keys_of_any(first, last,
                                  [&](std::int32_t query) { return keys(query, seq_q, seq_kv); });
  }
  constexpr KeyRange keys_of_all(std::int32_t first, std::int32_t last, std::int32_t seq_q,
                                 std::int32_t seq_kv) const {
    return flashcore::keys_of_all(first, last,
                                  [&](std::int32_t query) { return keys(query, seq_q, seq_kv); });
  }

  // For the tile of queries [first, last] and keys [tile.begin, tile.end).
  constexpr TileCover cover(std::int32_t first, std::int32_t last, KeyRange tile, std::int32_t seq_q,
                            std::int32_t seq_kv) const {
    const KeyRange any = keys_of_any(first, last, seq_q, seq_kv);
    if (tile.begin >= any.end || tile.end <= any.begin) return TileCover::empty;
    const KeyRange all = keys_of_all(first, last, seq_q, seq_kv);
    return tile.begin >= all.begin && tile.end <= all.end ? TileCover::whole : TileCover::cut;
  }

 private:
  // The part of `seen` that lies in the diagonal's own chunk. A diagonal before the first key has none.
  constexpr KeyRange within_chunk(KeyRange seen, std::int64_t diagonal) const {
    if (diagonal < 0) return {0, 0};
    const auto chunk_begin = static_cast<std::int32_t>(diagonal - diagonal % chunk);
    const std::int64_t chunk_end = std::int64_t{chunk_begin} + chunk;
    const std::int32_t begin = seen.begin > chunk_begin ? seen.begin : chunk_begin;
    const std::int64_t end = seen.end < chunk_end ? seen.end : chunk_end;
    return {begin, end < begin ? begin : static_cast<std::int32_t>(end)};
  }
};

}  // namespace flashcore
