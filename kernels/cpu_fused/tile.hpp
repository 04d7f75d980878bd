// A tile of cpu_fused and its buffers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "attention/args.hpp"
#include "variant/spec.hpp"

namespace flashcore::kernels::cpu_fused {

// Query rows side by side in vector registers; a tile consists of such panels.
inline constexpr int kPanelRows = 16;

// Floats added to each row of a K or V tile, so that equal columns of many rows do not share a cache set.
inline constexpr int kRowPadding = 16;

// Rows [row_begin, row_begin + rows) of one query head; none if the sequence ends before them.
struct TilePosition {
  std::int64_t batch, head, head_kv;
  std::int32_t row_begin, rows;
};

// Columns of Q and K, and of V and O.
struct TileWidths {
  std::size_t qk, v;
};
inline TileWidths widths_of(const AttentionArgs& args) {
  return {static_cast<std::size_t>(args.head_dim), static_cast<std::size_t>(args.head_dim_v)};
}

// Buffers of one thread, all aligned to a cache line. Panels have the query row as their fastest axis.
struct TileScratch {
  float* q;        // [panels, head_dim, kPanelRows], times softmax scale and log2(e)
  float* out;      // [panels, head_dim_v, kPanelRows], not yet divided by row_sum
  float* row_max;  // [block_q], of scores in base 2
  float* row_sum;  // [block_q]
  float* score;    // [block_kv, kPanelRows], one panel's scores, then its probabilities
  float* k;        // [block_kv, head_dim + kRowPadding]
  float* v;        // [block_kv, head_dim_v + kRowPadding]
  float* rows;     // [kPanelRows, head_dim + kRowPadding], one panel's rows of Q

  // Cuts `memory` up; with null it only counts. Returns the number of floats.
  std::size_t lay_out(float* memory, const Tile& tile, const TileWidths& widths) {
    std::size_t used = 0;
    const auto take = [&](std::size_t floats) {
      float* start = memory == nullptr ? nullptr : memory + used;
      used += floats;
      return start;
    };
    const auto block_q = static_cast<std::size_t>(tile.block_q);
    const auto block_kv = static_cast<std::size_t>(tile.block_kv);
    q = take(block_q * widths.qk);
    out = take(block_q * widths.v);
    row_max = take(block_q);
    row_sum = take(block_q);
    score = take(block_kv * kPanelRows);
    k = take(block_kv * (widths.qk + kRowPadding));
    v = take(block_kv * (widths.v + kRowPadding));
    rows = take(kPanelRows * (widths.qk + kRowPadding));
    return used;
  }
};

}  // namespace flashcore::kernels::cpu_fused
