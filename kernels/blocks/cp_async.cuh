// Tiles from global into swizzled shared memory by cp.async, 16 bytes a thread at a time.
#pragma once

#include <cstdint>

#include "kernels/blocks/swizzle.cuh"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

// Issues the copy of rows [row_begin, row_begin + kRows) of a matrix whose row r starts at
// base + row_offset(r); rows from row_end on become zeros without being read. Smem is the tile's
// SwizzledRows. All kThreads threads take part; the caller commits, waits and synchronises.
template <class Smem, int kRows, int kThreads, class T, class RowOffset>
__device__ __forceinline__ void cp_async_tile(std::uint32_t smem, const T* base, int row_begin, int row_end,
                                              RowOffset row_offset) {
  constexpr int kElements = kChunkBytes / static_cast<int>(sizeof(T));  // of a chunk
  constexpr int kRowsAtOnce = kThreads / Smem::kChunks;
  constexpr int kPasses = (kRows + kRowsAtOnce - 1) / kRowsAtOnce;
  static_assert(kRowsAtOnce > 0, "a row needs one thread a chunk");
  const int row = static_cast<int>(threadIdx.x / Smem::kChunks);
  const int chunk = static_cast<int>(threadIdx.x % Smem::kChunks);
  // head_dim 96 leaves some threads without a chunk.
  if (kThreads % Smem::kChunks != 0 && row >= kRowsAtOnce) return;
  const T* column = base + chunk * kElements;
  if (row_begin + kRows <= row_end) {  // uniform: all but the last tile need no test a row
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass) {
      const int tile_row = row + pass * kRowsAtOnce;
      if (kRows % kRowsAtOnce != 0 && tile_row >= kRows) break;
      ptx::cp_async_16(smem + Smem::offset(tile_row, chunk), column + row_offset(row_begin + tile_row));
    }
  } else {
#pragma unroll 1
    for (int tile_row = row; tile_row < kRows; tile_row += kRowsAtOnce) {
      const bool valid = row_begin + tile_row < row_end;
      ptx::cp_async_16(smem + Smem::offset(tile_row, chunk),
                       valid ? column + row_offset(row_begin + tile_row) : base, valid ? kChunkBytes : 0);
    }
  }
}

}  // namespace flashcore::kernels
