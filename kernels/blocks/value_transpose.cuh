// A pass before the kernel that writes Vᵀ, which products of one-byte types need.
//
// Within every 32 keys, the order is the order in registers. A thread holds the scores of columns 8·j + 2·t
// and 8·j + 2·t + 1, with t = lane % 4 and j from 0 to 3. Packed in this order they fill two registers of the
// A operand, which the product takes for columns 4·t to 4·t + 3 and for the columns 16 further on. So word
// 4·h + t of a row of Vᵀ, with h = 0 or 1, holds the keys 16·h + 2·t + {0, 1, 8, 9} of the 32.
#pragma once

#include "kernels/blocks/block_position.cuh"
#include "kernels/common/grid_launch.cuh"
#include "kernels/common/kernel_args.hpp"
#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm89.cuh"
#include "kernels/ptx/sm90.cuh"

namespace flashcore::kernels {

inline constexpr int kGroupKeys = 32;  // permuted among themselves; one thread moves them

// From V, [batch, heads_kv, seq_kv, head_dim] by strides, to [batch, heads_kv, head_dim, columns()]. Keys
// beyond seq_kv are zeros: their probability, 0, must be multiplied by a finite number.
struct ValueTranspose {
  const unsigned char* v;
  unsigned char* out;
  Strides v_stride;
  int heads;  // heads_kv
  int seq_kv;
  int groups;           // of keys
  int blocks_per_head;  // of the grid

  static constexpr int kThreads = 128;

  // Keys of a row of Vᵀ, up to a multiple of the block that a kernel reads.
  static constexpr std::int64_t columns(const KernelArgs& args, int multiple = kGroupKeys) {
    return ceil_div(std::int64_t{args.seq_kv}, multiple) * multiple;
  }
  // Of Vᵀ: its rows are columns of V.
  static constexpr Strides strides(const KernelArgs& args, int multiple = kGroupKeys) {
    const std::int64_t row = columns(args, multiple);
    const std::int64_t head = row * args.head_dim;
    return {.batch = head * args.heads_kv, .head = head, .row = row};
  }
  static constexpr std::int64_t bytes(const KernelArgs& args, int multiple = kGroupKeys) {
    return args.batch * strides(args, multiple).batch;
  }
};

// Transposes four bytes of each of four rows.
__device__ inline void transpose_bytes(std::uint32_t (&rows)[4]) {
  const std::uint32_t left[] = {ptx::permute_bytes(rows[0], rows[1], 0x5140),
                                ptx::permute_bytes(rows[2], rows[3], 0x5140)};
  const std::uint32_t right[] = {ptx::permute_bytes(rows[0], rows[1], 0x7362),
                                 ptx::permute_bytes(rows[2], rows[3], 0x7362)};
  rows[0] = ptx::permute_bytes(left[0], left[1], 0x5410);
  rows[1] = ptx::permute_bytes(left[0], left[1], 0x7632);
  rows[2] = ptx::permute_bytes(right[0], right[1], 0x5410);
  rows[3] = ptx::permute_bytes(right[0], right[1], 0x7632);
}

// A thread transposes four columns of V for one group of keys: a warp reads whole rows of 128 bytes, and a
// thread writes whole sectors of 32 bytes.
template <int kHeadDim>
__global__ void __launch_bounds__(ValueTranspose::kThreads)
    transpose_values(const __grid_constant__ ValueTranspose pass) {
  ptx::wait_for_previous_grid();  // protects V and the workspace: previous grids have read and written them
  ptx::launch_dependent_grid();
  constexpr int kWords = kHeadDim / 4;  // of a row of V
  const int head = static_cast<int>(blockIdx.x) / pass.blocks_per_head;
  const int unit = static_cast<int>(blockIdx.x) % pass.blocks_per_head * ValueTranspose::kThreads +
                   static_cast<int>(threadIdx.x);
  const int group = unit / kWords;
  const int word = unit % kWords;
  if (group >= pass.groups) return;

  const unsigned char* v =
      head_pointer(pass.v, pass.v_stride, head / pass.heads, head % pass.heads) + 4 * word;
  const auto load = [&](int key) -> std::uint32_t {
    if (key >= pass.seq_kv) return 0;
    return *reinterpret_cast<const std::uint32_t*>(v + key * pass.v_stride.row);
  };
  std::uint32_t out[4][kGroupKeys / 4];  // [column of V, keys]
#pragma unroll
  for (int w = 0; w < kGroupKeys / 4; ++w) {
    const int key = group * kGroupKeys + w / 4 * 16 + w % 4 * 2;
    std::uint32_t rows[4] = {load(key), load(key + 1), load(key + 8), load(key + 9)};
    transpose_bytes(rows);
#pragma unroll
    for (int column = 0; column < 4; ++column) out[column][w] = rows[column];
  }
#pragma unroll
  for (int column = 0; column < 4; ++column) {
    const std::int64_t row = std::int64_t{head} * kHeadDim + 4 * word + column;
    auto* target = reinterpret_cast<uint4*>(pass.out + (row * pass.groups + group) * kGroupKeys);
    const std::uint32_t(&words)[8] = out[column];
    target[0] = {words[0], words[1], words[2], words[3]};
    target[1] = {words[4], words[5], words[6], words[7]};
  }
}

// Writes Vᵀ to the workspace, with columns(args, multiple) keys per row.
template <int kHeadDim>
cudaError_t launch_transpose(const KernelArgs& args, cudaStream_t stream, int multiple = kGroupKeys) {
  const auto groups = static_cast<int>(ValueTranspose::columns(args, multiple) / kGroupKeys);
  const std::int64_t blocks = ceil_div(std::int64_t{groups} * (kHeadDim / 4), ValueTranspose::kThreads);
  const ValueTranspose pass{.v = static_cast<const unsigned char*>(args.v),
                            .out = static_cast<unsigned char*>(args.workspace),
                            .v_stride = args.v_stride,
                            .heads = args.heads_kv,
                            .seq_kv = args.seq_kv,
                            .groups = groups,
                            .blocks_per_head = static_cast<int>(blocks)};
  GridLaunch launch(stream, ValueTranspose::kThreads, 0);
  launch.set_grid(static_cast<unsigned>(blocks * args.batch * args.heads_kv));
  launch.allow_early_start();
  return cudaLaunchKernelEx(&launch.config(), transpose_values<kHeadDim>, pass);
}

}  // namespace flashcore::kernels
