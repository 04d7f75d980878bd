// Partial results of planned tasks (work_plan.hpp), and the second pass that adds them.
#pragma once

#include <algorithm>

#include "kernels/blocks/sequence_args.cuh"
#include "kernels/blocks/split_kv.cuh"
#include "kernels/blocks/work_tasks.hpp"
#include "kernels/common/grid_launch.cuh"

namespace flashcore::kernels {

template <class Partial>
__device__ __forceinline__ unsigned char* partial_at(const KernelArgs& args, int slot) {
  return static_cast<unsigned char*>(args.workspace) + std::int64_t{slot} * Partial::kBytes;
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
  __device__ __forceinline__ void add(const RowChunk& other) {
    add(make_float2(other.row_max, other.row_sum),
        make_float4(other.out[0], other.out[1], other.out[2], other.out[3]),
        make_float4(other.out[4], other.out[5], other.out[6], other.out[7]));
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

struct PlannedMergeParams {
  KernelArgs args;
  SequenceTables tables;
  FastDivisor group;  // query heads per KV head, which share tiles
  WorkPlan plan;
  int tile_rows = 0;  // of a query tile, the rows of a partial tile that are used
};

inline constexpr int kMergeWarps = 8;
inline constexpr int kMergeThreads = kMergeWarps * kWarpSize;
inline constexpr int kMergeSmemBytes = kMergeThreads * static_cast<int>(sizeof(RowChunk));
inline constexpr int kMergeBlocks = 4;       // of one task
inline constexpr int kMostSharesOfWarp = 4;  // of more, each warp adds some

// The second pass: blocks merge the shares of one task that has several workers, a chunk per lane. Each warp adds all
// shares of its chunks; or, of many shares, some, and the first warp adds the warps' sums. The order is always the same.
// T: of O's elements. Query heads of a KV head share tiles.
template <class T, class Partial>
__device__ __forceinline__ void merge_task(const PlannedMergeParams& params) {
  // Protects the plan, lengths and partial results: previous grids have written them.
  ptx::wait_for_previous_grid();
  ptx::launch_dependent_grid();
  const int worker = static_cast<int>(blockIdx.x);
  const WorkMerge merge = params.plan.merges[worker];
  if (merge.last_worker == 0) return;  // the whole block
  const WorkItem item = params.plan.items[merge.item];
  const SequenceArgs<true> args(params.args, params.tables, item.sequence);
  QueryRows<true> rows(args, params.group, params.tile_rows, 0, 1, merge.head, item.sequence);
  rows.begin = item.tile * params.tile_rows;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int split = merge.last_worker - worker < kMostSharesOfWarp ? 1 : kMergeWarps;
  const int chunks = min(params.tile_rows, rows.count - rows.begin) * Partial::kChunks;
  const int chunks_at_once = kMergeThreads / split;
  auto* sums = reinterpret_cast<RowChunk*>(ptx::dynamic_smem());

  for (int first = static_cast<int>(blockIdx.y) * chunks_at_once; first < chunks;
       first += static_cast<int>(gridDim.y) * chunks_at_once) {
    const int index = first + warp / split * kWarpSize + lane;
    const int row = index / Partial::kChunks;
    const int chunk = index % Partial::kChunks;
    ShareSum share;
    if (index < chunks) {
#pragma unroll 4
      for (int from = worker + warp % split; from <= merge.last_worker; from += split) {
        const bool begins = from == worker;
        if (begins || continues_task(params.plan, from)) {
          share.add<Partial>(partial_at<Partial>(params.args, partial_slot(from, begins)), row, chunk);
        }
      }
    }
    if (split > 1) {
      __syncthreads();  // protects sums: the first warp has read those of the chunks before
      sums[warp * kWarpSize + lane] = share.sum;
      __syncthreads();  // protects sums: all are written before any is read
      if (warp != 0) continue;
      for (int i = 1; i < kMergeWarps; ++i) share.add(sums[i * kWarpSize + lane]);
    }
    if (index < chunks) store_output_chunk<T>(args, rows, rows.begin + row, chunk, share.sum);
  }
}

template <class T, class Partial>
__global__ void __launch_bounds__(kMergeThreads)
    merge_planned_kernel(const __grid_constant__ PlannedMergeParams params) {
  merge_task<T, Partial>(params);
}

template <class T, class Partial>
cudaError_t launch_merge(const PlannedMergeParams& params, int workers, cudaStream_t stream) {
  GridLaunch launch(stream, kMergeThreads, kMergeSmemBytes);
  launch.set_grid({static_cast<unsigned>(workers), kMergeBlocks, 1});
  launch.allow_early_start();
  return cudaLaunchKernelEx(&launch.config(), merge_planned_kernel<T, Partial>, params);
}

}  // namespace flashcore::kernels
