// Partial results of planned tasks: how a block stores them, and the second pass that adds them.
#pragma once

#include "kernels/blocks/work_tasks.hpp"
#include "kernels/mma/epilogue.cuh"

namespace flashcore::kernels {

template <class C>
__device__ __forceinline__ unsigned char* partial_at(const KernelArgs& args, int slot) {
  return static_cast<unsigned char*>(args.workspace) + std::int64_t{slot} * C::Partial::kBytes;
}

// Merges the shares of this block's warps, and writes O, or if `partial` is not null the partial result.
template <class C>
__device__ __forceinline__ void merge_warps(const typename C::Args& args, const QueryRows<C::kPackGqa>& rows,
                                            const WarpTile<C>& warp, unsigned char* smem, int warp_row,
                                            int split_warp, unsigned char* partial) {
  using Partial = typename C::Partial;
  ptx::cp_async_wait<0>();
  // Protects K and V: no warp reads or fills their buffers when partial tiles overwrite them.
  __syncthreads();
  store_partial<C>(warp, smem + split_warp * Partial::kBytes, warp_row);
  __syncthreads();  // protects partial tiles: all are written before any is read
  for (int i = static_cast<int>(threadIdx.x); i < C::kBlockQ * Partial::kChunks; i += C::kThreads) {
    const int tile_row = i / Partial::kChunks;
    const int chunk = i % Partial::kChunks;
    const int row = rows.begin + tile_row;
    if (row >= rows.count) break;
    const LocalPartials partials{smem, Partial::kBytes};
    const RowChunk merged = merge_partials<Partial, C::kPartials>(partials, tile_row, chunk);
    if (partial != nullptr) {
      store_partial_chunk<Partial>(partial, tile_row, chunk, merged);
    } else {
      store_output_chunk<typename C::Operands::T>(args, rows, row, chunk, merged);
    }
  }
}

// The sum of several shares of the keys of one chunk, which grows share by share.
struct ShareSum {
  RowChunk sum;

  __device__ __forceinline__ ShareSum() { sum.row_max = kNoScore; }

  __device__ __forceinline__ void add(float2 stats, float4 low, float4 high) {
    const float row_max = fmaxf(sum.row_max, stats.x);
    const float old_weight = ptx::exp2_approx(sum.row_max - row_max);
    const float weight = ptx::exp2_approx(stats.x - row_max);
    const float columns[] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
    sum.row_max = row_max;
    sum.row_sum = old_weight * sum.row_sum + weight * stats.y;
#pragma unroll
    for (int c = 0; c < kChunkElements; ++c) sum.out[c] = old_weight * sum.out[c] + weight * columns[c];
  }
  // Chunk (row, chunk) of a partial tile in this address space.
  template <class Partial>
  __device__ __forceinline__ void add(const unsigned char* tile, int row, int chunk) {
    const LocalPartials partials{tile, Partial::kBytes};
    const std::uint32_t at = Partial::out_offset(row, chunk);
    add(partials.float2_at(0, Partial::stats_offset(row)), partials.float4_at(0, at),
        partials.float4_at(0, at + 16));
  }
};

// The second pass: a block merges kMergeChunks chunks of one task that has several workers. Each warp adds some of the
// shares, and the first warp adds the warps' sums: always in the same order.
inline constexpr int kMergeChunks = kWarpSize;
inline constexpr int kMergeWarps = 8;
inline constexpr int kMergeThreads = kMergeWarps * kWarpSize;
inline constexpr int kMergeSmemBytes = kMergeThreads * static_cast<int>(sizeof(RowChunk));

template <class C, class MergeParams>
__device__ __forceinline__ void merge_task(const MergeParams& params) {
  using Partial = typename C::Partial;
  // Protects the plan, lengths and partial results: previous grids have written them.
  ptx::wait_for_previous_grid();
  ptx::launch_dependent_grid();
  const int worker = static_cast<int>(blockIdx.x);
  const WorkMerge merge = params.plan.merges[worker];
  if (merge.last_worker == 0) return;  // the whole block
  const WorkItem item = params.plan.items[merge.item];
  const typename C::Args args(params.args, params.tables, item.sequence);
  QueryRows<C::kPackGqa> rows(args, params.group, C::kBlockQ, 0, 1, merge.head, item.sequence);
  rows.begin = item.tile * C::kBlockQ;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int index = static_cast<int>(blockIdx.y) * kMergeChunks + lane;
  const int tile_row = index / Partial::kChunks;
  const int chunk = index % Partial::kChunks;
  const int row = rows.begin + tile_row;

  ShareSum share;
  if (row < rows.count) {
#pragma unroll 4
    for (int from = worker + warp; from <= merge.last_worker; from += kMergeWarps) {
      const bool begins = from == worker;
      if (begins || continues_task(params.plan, from)) {
        share.add<Partial>(partial_at<C>(params.args, partial_slot(from, begins)), tile_row, chunk);
      }
    }
  }
  auto* sums = reinterpret_cast<RowChunk*>(ptx::dynamic_smem());
  sums[warp * kWarpSize + lane] = share.sum;
  __syncthreads();  // protects sums: all are written before any is read
  if (warp != 0 || row >= rows.count) return;
#pragma unroll
  for (int i = 1; i < kMergeWarps; ++i) {
    const RowChunk& other = sums[i * kWarpSize + lane];
    share.add(make_float2(other.row_max, other.row_sum),
              make_float4(other.out[0], other.out[1], other.out[2], other.out[3]),
              make_float4(other.out[4], other.out[5], other.out[6], other.out[7]));
  }
  store_output_chunk<typename C::Operands::T>(args, rows, row, chunk, share.sum);
}

}  // namespace flashcore::kernels
