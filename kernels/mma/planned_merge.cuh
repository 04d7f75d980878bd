// The end of a planned task whose keys are split over warps.
#pragma once

#include "kernels/blocks/planned_merge.cuh"
#include "kernels/mma/epilogue.cuh"

namespace flashcore::kernels {

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

}  // namespace flashcore::kernels
