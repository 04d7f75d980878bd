// How a block of the mma families writes its rows: from registers to O, or, where keys were split, as partial
// tiles that are merged in shared memory, over a cluster, or by a second pass over the workspace.
#pragma once

#include "kernels/blocks/split_kv.cuh"
#include "kernels/common/grid_launch.cuh"
#include "kernels/mma/warp_tile.cuh"
#include "kernels/ptx/sm90.cuh"

namespace flashcore::kernels {

// Writes O in elements of T through shared memory, so that every store has 16 bytes and a warp writes whole
// rows. Where rows of O are as long as rows of Q, a warp overwrites its own rows of Q and waits for no other
// warp.
template <class C, class T>
__device__ __forceinline__ void store_output(const typename C::Args& args, const QueryRows<C::kPackGqa>& rows,
                                             const WarpTile<C>& warp, unsigned char* out_tile, int warp_row) {
  using Smem = typename C::OutSmem;
  if constexpr (Smem::kRowBytes == C::Smem::kRowBytes) {
    __syncwarp();  // protects Q: lanes may still be reading these rows
  } else {
    __syncthreads();  // protects Q, K and V: warps may still be reading them where others put their rows
  }
#pragma unroll
  for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int tile_row = warp_row + 16 * m + 8 * r + warp.lane() / 4;
      const float sum = warp.row_sum[m][r];
      const float normalise = warp.operands.normaliser(sum);
      if constexpr (C::kE4m3Kv) {
        const int quarter = warp.lane() % 4;
#pragma unroll
        for (int group = 0; group < C::kHeadDim / 16; ++group) {
          const float4 four = four_columns(warp.out[m], group, r);
          *reinterpret_cast<uint2*>(out_tile + Smem::offset(tile_row, 2 * group + quarter / 2) +
                                    8 * (quarter % 2)) = {pack<T>(four.x * normalise, four.y * normalise),
                                                          pack<T>(four.z * normalise, four.w * normalise)};
        }
      } else {
#pragma unroll
        for (int n = 0; n < C::kHeadDim / 8; ++n) {
          *reinterpret_cast<Pair<T>*>(out_tile + Smem::offset(tile_row, n) + 4 * (warp.lane() % 4)) =
              pair_from_floats<T>(warp.out[m][n][2 * r] * normalise, warp.out[m][n][2 * r + 1] * normalise);
        }
      }
      const int row = rows.begin + tile_row;
      if (args.lse != nullptr && warp.lane() % 4 == 0 && row < rows.count) {
        args.lse[args.lse_index(rows.batch, rows.head_of(row), rows.query(row))] =
            log_sum_exp_by_log2(warp.row_max[m][r], sum);
      }
    }
  }
  __syncwarp();  // protects the rows of O: every lane's columns are in shared memory before any is read
  T* out = head_pointer(static_cast<T*>(args.out), args.out_stride, rows.batch, rows.head);
#pragma unroll
  for (int i = warp.lane(); i < C::kWarpRows * Smem::kChunks; i += 32) {
    const int tile_row = warp_row + i / Smem::kChunks;
    const int chunk = i % Smem::kChunks;
    const int row = rows.begin + tile_row;
    if (row < rows.count) {
      *reinterpret_cast<uint4*>(out + rows.offset(args.out_stride, row) + chunk * kChunkElements) =
          *reinterpret_cast<const uint4*>(out_tile + Smem::offset(tile_row, chunk));
    }
  }
}

// This warp's rows of a partial tile.
template <class C>
__device__ __forceinline__ void store_partial(const WarpTile<C>& warp, unsigned char* partial, int warp_row) {
  using Partial = typename C::Partial;
#pragma unroll
  for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int tile_row = warp_row + 16 * m + 8 * r + warp.lane() / 4;
      if constexpr (C::kE4m3Kv) {
        const int quarter = warp.lane() % 4;
#pragma unroll
        for (int group = 0; group < C::kHeadDim / 16; ++group) {
          *reinterpret_cast<float4*>(partial + Partial::out_offset(tile_row, 2 * group + quarter / 2) +
                                     16 * (quarter % 2)) = four_columns(warp.out[m], group, r);
        }
      } else {
#pragma unroll
        for (int n = 0; n < C::kHeadDim / 8; ++n) {
          *reinterpret_cast<float2*>(partial + Partial::out_offset(tile_row, n) + 8 * (warp.lane() % 4)) =
              make_float2(warp.out[m][n][2 * r], warp.out[m][n][2 * r + 1]);
        }
      }
      if (warp.lane() % 4 == 0) {
        *reinterpret_cast<float2*>(partial + Partial::stats_offset(tile_row)) =
            make_float2(warp.row_max[m][r], warp.row_sum[m][r]);
      }
    }
  }
}

// Where the partial tiles of one query tile begin in the workspace, counted in partial tiles.
template <class C>
__device__ __forceinline__ std::int64_t first_partial(const KernelArgs& args, int place, int tiles, int head,
                                                      int batch) {
  const int heads = QueryRows<C::kPackGqa>::heads(args);
  return ((std::int64_t{batch} * heads + head) * tiles + place) * C::kSplitBlocks;
}

// Merges the partial tiles of this block, or of its cluster, whose blocks take chunks in turn. `share` is
// this block's index among the blocks of a query tile, `partial_index` the index of its tile in the
// workspace.
template <class C>
__device__ __forceinline__ void merge_and_store(const typename C::Args& args,
                                                const QueryRows<C::kPackGqa>& rows, const WarpTile<C>& warp,
                                                unsigned char* smem, int warp_row, int split_warp, int share,
                                                std::int64_t partial_index) {
  using Partial = typename C::Partial;
  ptx::cp_async_wait<0>();
  // Protects K and V: no warp reads or fills their buffers when partial tiles overwrite them.
  __syncthreads();
  store_partial<C>(warp, smem + split_warp * Partial::kBytes, warp_row);
  if constexpr (C::kCluster > 1) {
    ptx::cluster_barrier();  // protects partial tiles: all of the cluster are written before any is read
  } else {
    __syncthreads();  // protects partial tiles: all are written before any is read
  }
  const int first = static_cast<int>(threadIdx.x) + (C::kCluster > 1 ? share * C::kThreads : 0);
  for (int i = first; i < C::kBlockQ * Partial::kChunks; i += C::kThreads * C::kCluster) {
    const int tile_row = i / Partial::kChunks;
    const int chunk = i % Partial::kChunks;
    const int row = rows.begin + tile_row;
    if (row >= rows.count) break;
    RowChunk merged;
    if constexpr (C::kCluster > 1) {
      const ClusterPartials<C::kSplitWarps> partials{ptx::smem_address(smem), Partial::kBytes};
      merged = merge_partials<Partial, C::kPartials>(partials, tile_row, chunk);
    } else {
      const LocalPartials partials{smem, Partial::kBytes};
      merged = merge_partials<Partial, C::kPartials>(partials, tile_row, chunk);
    }
    if constexpr (C::kSplitBlocks > 1) {
      store_partial_chunk<Partial>(
          static_cast<unsigned char*>(args.workspace) + partial_index * Partial::kBytes, tile_row, chunk,
          merged);
    } else {
      store_output_chunk<typename C::Operands::T>(args, rows, row, chunk, merged);
    }
  }
  // Protects this block's partial tiles: other blocks may still be reading them.
  if constexpr (C::kCluster > 1) ptx::cluster_barrier();
}

inline constexpr int kSecondPassThreads = 128;

// The chunk of the output that this thread merges, in the second pass of a split over blocks.
template <class C>
__device__ __forceinline__ void merge_workspace_chunk(const typename C::Args& args, const FastDivisor& group,
                                                      int tiles, int batch) {
  using Partial = typename C::Partial;
  constexpr int kChunksPerTile = C::kBlockQ * Partial::kChunks;
  const int item = static_cast<int>(blockIdx.x * kSecondPassThreads + threadIdx.x);
  const int place = item / kChunksPerTile;
  const int tile_row = item % kChunksPerTile / Partial::kChunks;
  const int chunk = item % Partial::kChunks;
  const int head = static_cast<int>(blockIdx.y);
  const QueryRows<C::kPackGqa> rows(args, group, C::kBlockQ, place, tiles, head, batch);
  const int row = rows.begin + tile_row;
  ptx::wait_for_previous_grid();  // protects partial tiles: the first pass has written all of them
  ptx::launch_dependent_grid();
  if (place >= tiles || row >= rows.count) return;
  const unsigned char* workspace = static_cast<const unsigned char*>(args.workspace);
  const LocalPartials partials{
      workspace + first_partial<C>(args, place, tiles, head, batch) * Partial::kBytes, Partial::kBytes};
  const RowChunk merged = merge_partials<Partial, C::kSplitBlocks>(partials, tile_row, chunk);
  store_output_chunk<typename C::Operands::T>(args, rows, row, chunk, merged);
}

// The second pass of a split over blocks: one thread per chunk of the output.
template <class C>
__global__ void __launch_bounds__(kSecondPassThreads)
    merge_workspace_kernel(const __grid_constant__ MmaParams params) {
  const int tiles = static_cast<int>(QueryRows<C::kPackGqa>::tiles(params.args, C::kBlockQ));
  merge_workspace_chunk<C>(params.args, params.group, tiles, static_cast<int>(blockIdx.z));
}

}  // namespace flashcore::kernels
