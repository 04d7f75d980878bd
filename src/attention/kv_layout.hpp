// The memory layout of K and V.
#pragma once

#include <cstdint>

namespace flashcore {

// In elements. The head_dim axis is contiguous (stride 1).
struct Strides {
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row = 0;

  constexpr bool operator==(const Strides&) const = default;
};

// K and V are [batch, heads_kv, seq_kv, head_dim], or for a ragged batch [heads_kv, rows, head_dim] with a batch stride
// of 0. Paged caches are [pages, heads_kv, page_size, head_dim]; the batch stride is then that of a page.
struct KvLayout {
  Strides k, v;

  // Key i of a sequence is row i % page_size of page page_table[sequence · page_table_stride + i / page_size]. Entries
  // past a sequence's last key may have any value.
  const std::int32_t* page_table = nullptr;
  std::int64_t page_table_stride = 0;
  std::int32_t page_size = 0;  // 0: not paged
  std::int64_t pages = 0;      // of the caches, unused ones included

  constexpr bool operator==(const KvLayout&) const = default;

  constexpr bool is_paged() const { return page_size > 0; }
};

}  // namespace flashcore
