// The query rows that a block works on, and the alignment that vector accesses need.
#pragma once

#include <cstdint>

#include "kernels/blocks/swizzle.cuh"
#include "kernels/common/indexing.hpp"
#include "kernels/common/kernel_args.hpp"

namespace flashcore::kernels {

// Blocks of a grid with one block per (batch, query head, tile of block_q rows).
constexpr std::int64_t tiled_grid_blocks(const KernelArgs& args, int block_q) {
  return ceil_div(std::int64_t{args.seq_q}, block_q) * args.heads_q * args.batch;
}

struct BlockPosition {
  int batch;
  int head;
  int head_kv;
  int row_begin;  // first query row of the tile
};

// Tiles of one head lie side by side in the grid, so that blocks that run at the same time share K and V in
// L2.
__device__ inline BlockPosition block_position(const KernelArgs& args, int block_q) {
  const int tiles = ceil_div(args.seq_q, block_q);
  const int head_index = static_cast<int>(blockIdx.x) / tiles;
  const int head = head_index % args.heads_q;
  return {.batch = head_index / args.heads_q,
          .head = head,
          .head_kv = head / (args.heads_q / args.heads_kv),
          .row_begin = (static_cast<int>(blockIdx.x) % tiles) * block_q};
}

// Null when every row of Q, K, V and O starts on a 16-byte boundary, else the reason why vector accesses
// cannot work.
constexpr const char* misaligned(const KernelArgs& args) {
  for (const Strides& s : {args.q_stride, args.k_stride, args.v_stride, args.out_stride}) {
    if (!are_multiples(s, kChunkElements)) return "strides must be multiples of 8 elements (16 bytes)";
  }
  for (const void* pointer : {args.q, args.k, args.v, static_cast<const void*>(args.out)}) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % kChunkBytes != 0)
      return "Q, K, V and O must be 16-byte aligned";
  }
  return nullptr;
}

}  // namespace flashcore::kernels
