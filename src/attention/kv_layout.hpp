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

// K and V are one strided tensor each: [batch, heads_kv, seq_kv, head_dim].
struct KvLayout {
  Strides k, v;

  constexpr bool operator==(const KvLayout&) const = default;
};

}  // namespace flashcore
