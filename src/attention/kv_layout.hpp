// Where the rows of K and V lie.
#pragma once

#include <cstdint>

namespace flashcore {

// Distances in elements; the head_dim axis is contiguous (stride 1).
struct Strides {
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row = 0;

  constexpr bool operator==(const Strides&) const = default;
};

// K and V in one piece each: [batch, heads_kv, seq_kv, head_dim] by strides.
struct KvLayout {
  Strides k, v;

  constexpr bool operator==(const KvLayout&) const = default;
};

}  // namespace flashcore
