// The lengths of a problem's sequences.
#pragma once

#include <cstdint>

namespace flashcore {

// All sequences have the same length: seq_q queries and seq_kv keys.
struct Sequences {
  std::int32_t batch = 0;
  std::int32_t seq_q = 0;
  std::int32_t seq_kv = 0;

  constexpr bool operator==(const Sequences&) const = default;

  constexpr std::int32_t queries(std::int64_t /*sequence*/) const { return seq_q; }
  constexpr std::int32_t keys(std::int64_t /*sequence*/) const { return seq_kv; }
  constexpr std::int32_t max_queries() const { return seq_q; }
  constexpr std::int32_t max_keys() const { return seq_kv; }

  // Rows of all sequences in total.
  constexpr std::int64_t all_queries() const { return std::int64_t{batch} * seq_q; }
  constexpr std::int64_t all_keys() const { return std::int64_t{batch} * seq_kv; }
};

}  // namespace flashcore
