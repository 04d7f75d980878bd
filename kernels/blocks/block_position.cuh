// Which query rows of which head a block works on, and the alignment that vector accesses need.
#pragma once

#include <cstdint>

#include "kernels/common/kernel_args.hpp"

namespace flashcore::kernels {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Blocks of a grid that gives each (batch, query head, tile of block_q rows) one block.
constexpr std::int64_t tiled_grid_blocks(const KernelArgs& args, int block_q) {
  return ceil_div(args.seq_q, block_q) * args.heads_q * args.batch;
}

struct BlockPosition {
  int batch;
  int head;
  int head_kv;
  int row_begin;  // first query row of the tile
};

// Tiles of one head lie side by side in the grid, so that blocks running together share K and V in L2.
__device__ inline BlockPosition block_position(const KernelArgs& args, int block_q) {
  const int tiles = (args.seq_q + block_q - 1) / block_q;
  const int head_index = static_cast<int>(blockIdx.x) / tiles;
  const int head = head_index % args.heads_q;
  return {.batch = head_index / args.heads_q,
          .head = head,
          .head_kv = head / (args.heads_q / args.heads_kv),
          .row_begin = (static_cast<int>(blockIdx.x) % tiles) * block_q};
}

// Pointer to element (batch, head, row 0, column 0).
template <class T>
__device__ T* head_pointer(T* base, const Strides& stride, int batch, int head) {
  return base + batch * stride.batch + head * stride.head;
}

__device__ inline std::int64_t lse_index(const KernelArgs& args, int batch, int head, int row) {
  return (std::int64_t{batch} * args.heads_q + head) * args.seq_q + row;
}

// Null when every row of Q, K, V and O starts on a 16-byte boundary, else the reason why vector accesses
// cannot work.
constexpr const char* misaligned(const KernelArgs& args) {
  constexpr std::int64_t kElements = 8;  // 16 bytes of a two-byte type
  for (const Strides& s : {args.q_stride, args.k_stride, args.v_stride, args.out_stride}) {
    if (s.batch % kElements != 0 || s.head % kElements != 0 || s.row % kElements != 0) {
      return "strides must be multiples of 8 elements (16 bytes)";
    }
  }
  for (const void* pointer : {args.q, args.k, args.v, static_cast<const void*>(args.out)}) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % 16 != 0) return "Q, K, V and O must be 16-byte aligned";
  }
  return nullptr;
}

}  // namespace flashcore::kernels
