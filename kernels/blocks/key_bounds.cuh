// The mask in 32-bit arithmetic, for kernels that need the keys of many rows.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/common/kernel_args.hpp"

namespace flashcore::kernels {

// visible_keys() in 32-bit arithmetic, for queries from 0 on; seq_q + seq_kv must stay below kMaxRows.
struct KeyBounds {
  static constexpr std::int64_t kMaxRows = std::numeric_limits<int>::max() - 1024;  // a tile may end later

  // query + begin_offset is the first key, query + end_offset the key after the last, both clamped to
  // [0, seq_kv].
  int begin_offset = 0;
  int end_offset = 0;
  int seq_kv = 0;

  KeyBounds() = default;
  constexpr explicit KeyBounds(const KernelArgs& args) : seq_kv(args.seq_kv) {
    const std::int64_t diagonal = std::int64_t{args.seq_kv} - args.seq_q;
    const std::int64_t begin = args.window.left < 0 ? kLowest : diagonal - args.window.left;
    const std::int64_t end = args.window.right < 0 ? seq_kv : diagonal + args.window.right + 1;
    begin_offset = static_cast<int>(begin < kLowest ? kLowest : begin);
    end_offset = static_cast<int>(end < seq_kv ? end : seq_kv);
  }

  constexpr KeyRange keys(int query) const {
    const int begin = clamp(query + begin_offset, 0);
    return {begin, clamp(query + end_offset, begin)};
  }

 private:
  static constexpr std::int64_t kLowest = -std::numeric_limits<int>::max();
  constexpr int clamp(int key, int lowest) const {
    const int above = key > lowest ? key : lowest;
    return above < seq_kv ? above : seq_kv;
  }
};

}  // namespace flashcore::kernels
