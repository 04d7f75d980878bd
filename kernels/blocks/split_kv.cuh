// Attention over disjoint shares of the keys, and their merge. Each share makes a partial tile: output not
// yet divided by its row sum, row maximum and row sum. The shares are added in a fixed order, so that results
// repeat bit for bit. (FlashAttention, section 3.1: softmax statistics of concatenated blocks;
// Flash-Decoding.)
#pragma once

#include <cstdint>

#include "kernels/blocks/query_rows.cuh"
#include "kernels/blocks/softmax.cuh"
#include "kernels/blocks/swizzle.cuh"
#include "kernels/common/numeric.cuh"
#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm90.cuh"

namespace flashcore::kernels {

// A partial tile in memory: FP32 output [rows, head_dim], then (row maximum, row sum) [rows]. Chunks of eight
// columns are permuted by row, so that the accumulator layout of mma.m16n8k16 stores without bank conflicts.
template <int kHeadDim, int kRows>
struct PartialTile {
  static constexpr int kChunks = kHeadDim / kChunkElements;  // in a row, 32 bytes each
  static constexpr int kChunkFloatBytes = kChunkElements * static_cast<int>(sizeof(float));
  static constexpr int kBytes = kRows * (kHeadDim * static_cast<int>(sizeof(float)) + 8);

  static constexpr std::uint32_t out_offset(int row, int chunk) {
    return static_cast<std::uint32_t>((row * kChunks + (chunk ^ (row % 4))) * kChunkFloatBytes);
  }
  static constexpr std::uint32_t stats_offset(int row) {
    return static_cast<std::uint32_t>(kRows * kChunks * kChunkFloatBytes + row * 8);
  }
};

// Partial tiles that lie one after another in this address space.
struct LocalPartials {
  const unsigned char* base;
  std::int64_t tile_bytes;
  __device__ float4 float4_at(int partial, std::uint32_t offset) const {
    return *reinterpret_cast<const float4*>(base + partial * tile_bytes + offset);
  }
  __device__ float2 float2_at(int partial, std::uint32_t offset) const {
    return *reinterpret_cast<const float2*>(base + partial * tile_bytes + offset);
  }
};

// Partial tiles in the shared memory of a cluster's blocks, kPerBlock in each.
template <int kPerBlock>
struct ClusterPartials {
  std::uint32_t base;
  std::uint32_t tile_bytes;
  __device__ std::uint32_t address(int partial, std::uint32_t offset) const {
    return ptx::map_to_block(base + static_cast<std::uint32_t>(partial % kPerBlock) * tile_bytes + offset,
                             partial / kPerBlock);
  }
  __device__ float4 float4_at(int partial, std::uint32_t offset) const {
    return ptx::load_cluster_float4(address(partial, offset));
  }
  __device__ float2 float2_at(int partial, std::uint32_t offset) const {
    return ptx::load_cluster_float2(address(partial, offset));
  }
};

// Eight neighbouring columns of one row.
struct RowChunk {
  float out[kChunkElements] = {};  // not yet divided by row_sum
  float row_max;                   // of scores · log2(e)
  float row_sum = 0;
};

// The sum of kPartials shares of one chunk.
template <class Tile, int kPartials, class Partials>
__device__ RowChunk merge_partials(const Partials& partials, int row, int chunk) {
  RowChunk merged;
  float2 stats[kPartials];
#pragma unroll
  for (int i = 0; i < kPartials; ++i) {
    stats[i] = partials.float2_at(i, Tile::stats_offset(row));
    merged.row_max = i == 0 ? stats[0].x : fmaxf(merged.row_max, stats[i].x);
  }
#pragma unroll
  for (int i = 0; i < kPartials; ++i) {
    const float weight = ptx::exp2_approx(stats[i].x - merged.row_max);
    merged.row_sum += weight * stats[i].y;
    const float4 low = partials.float4_at(i, Tile::out_offset(row, chunk));
    const float4 high = partials.float4_at(i, Tile::out_offset(row, chunk) + 16);
    const float columns[] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int c = 0; c < kChunkElements; ++c) merged.out[c] += weight * columns[c];
  }
  return merged;
}

template <class Tile>
__device__ void store_partial_chunk(unsigned char* tile, int row, int chunk, const RowChunk& merged) {
  float4* out = reinterpret_cast<float4*>(tile + Tile::out_offset(row, chunk));
  out[0] = make_float4(merged.out[0], merged.out[1], merged.out[2], merged.out[3]);
  out[1] = make_float4(merged.out[4], merged.out[5], merged.out[6], merged.out[7]);
  if (chunk == 0) {
    *reinterpret_cast<float2*>(tile + Tile::stats_offset(row)) = make_float2(merged.row_max, merged.row_sum);
  }
}

template <class T, bool kPackGqa, class Args>
__device__ void store_output_chunk(const Args& args, const QueryRows<kPackGqa>& rows, int row, int chunk,
                                   const RowChunk& merged) {
  const float normalise = normaliser_of(merged.row_sum);
  Pair<T> packed[kChunkElements / 2];
#pragma unroll
  for (int i = 0; i < kChunkElements / 2; ++i) {
    packed[i] = pair_from_floats<T>(merged.out[2 * i] * normalise, merged.out[2 * i + 1] * normalise);
  }
  T* out = head_pointer(static_cast<T*>(args.out), args.out_stride, rows.batch, rows.head) +
           rows.offset(args.out_stride, row) + chunk * kChunkElements;
  *reinterpret_cast<uint4*>(out) = *reinterpret_cast<const uint4*>(packed);
  if (chunk == 0 && args.lse != nullptr) {
    args.lse[args.lse_index(rows.batch, rows.head_of(row), rows.query(row))] =
        log_sum_exp_by_log2(merged.row_max, merged.row_sum);
  }
}

}  // namespace flashcore::kernels
