// Rows of a query tile. Plain: row r is query r of one query head. Packed: all query heads of one KV head
// share a tile, so that its K and V are read once for all of them; row r is query r / group of head r %
// group.
#pragma once

#include <cstdint>

#include "kernels/blocks/block_position.cuh"
#include "kernels/blocks/fast_divisor.cuh"

namespace flashcore::kernels {

template <bool kPackGqa>
struct QueryRows {
  FastDivisor group;  // query heads per KV head
  int batch;
  int head;   // first query head
  int count;  // rows in all
  int begin;  // first row of the tile

  static constexpr int heads(const KernelArgs& args) { return kPackGqa ? args.heads_kv : args.heads_q; }
  static constexpr std::int64_t rows(const KernelArgs& args) {
    return kPackGqa ? std::int64_t{args.seq_q} * (args.heads_q / args.heads_kv) : args.seq_q;
  }
  static constexpr std::int64_t tiles(const KernelArgs& args, int block_q) {
    return ceil_div(rows(args), block_q);
  }

  // The tile at place `place` of `tiles` in the grid: under a causal mask the longest come first, so that the
  // short ones fill the end of the last wave. (`right >= 0` is Window::hides_later_keys(); the call would
  // change the machine code of the mma families.)
  __device__ __forceinline__ QueryRows(const KernelArgs& args, const FastDivisor& group_size, int block_q,
                                       int place, int tiles, int grid_head, int grid_batch)
      : group(group_size),
        batch(grid_batch),
        head(kPackGqa ? grid_head * group_size.divisor : grid_head),
        count(kPackGqa ? args.seq_q * group_size.divisor : args.seq_q),
        begin((args.window.right >= 0 ? tiles - 1 - place : place) * block_q) {}

  __device__ int head_kv() const { return group.quotient(head); }
  __device__ int query(int row) const { return kPackGqa ? group.quotient(row) : row; }
  __device__ int head_of(int row) const { return kPackGqa ? head + group.remainder(row) : head; }
  // Elements from the first row of `head` to this one.
  __device__ std::int64_t offset(const Strides& stride, int row) const {
    return kPackGqa ? query(row) * stride.row + group.remainder(row) * stride.head : row * stride.row;
  }
};

}  // namespace flashcore::kernels
