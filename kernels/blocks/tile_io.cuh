// Tiles from global into shared memory, 16 bytes per thread at a time. All kThreads threads of a block take
// part; the caller commits, waits and synchronises.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/blocks/swizzle.cuh"
#include "kernels/common/indexing.hpp"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

// Copies rows [0, rows_valid) of a [kRows, kCols] tile. The rows behind them become zero: an accumulator must
// meet no value from outside the tensor, since 0 · NaN is NaN.
template <int kRows, int kCols, int kLeadingDim, int kThreads, class T>
__device__ void load_tile(T* smem, const T* global, std::int64_t row_stride, int rows_valid) {
  constexpr int kChunksPerRow = kCols / kChunkElements;
  static_assert(kCols % kChunkElements == 0 && kLeadingDim % kChunkElements == 0);
#pragma unroll 4
  for (int i = threadIdx.x; i < kRows * kChunksPerRow; i += kThreads) {
    const int row = i / kChunksPerRow;
    const int column = (i % kChunksPerRow) * kChunkElements;
    uint4 chunk = make_uint4(0, 0, 0, 0);
    if (row < rows_valid) chunk = *reinterpret_cast<const uint4*>(global + row * row_stride + column);
    *reinterpret_cast<uint4*>(smem + row * kLeadingDim + column) = chunk;
  }
}

// The same by cp.async. Rows from rows_valid on become zero and are not read; they get the address of the last
// row.
template <int kRows, int kCols, int kLeadingDim, int kThreads, class T>
__device__ void load_tile_async(T* smem, const T* global, std::int64_t row_stride, int rows_valid) {
  constexpr int kChunksPerRow = kCols / kChunkElements;
  static_assert(kCols % kChunkElements == 0 && kLeadingDim % kChunkElements == 0);
#pragma unroll 4
  for (int i = threadIdx.x; i < kRows * kChunksPerRow; i += kThreads) {
    const int row = i / kChunksPerRow;
    const int column = (i % kChunksPerRow) * kChunkElements;
    const T* source = global + min(row, rows_valid - 1) * row_stride + column;
    ptx::cp_async_16(ptx::smem_address(smem + row * kLeadingDim + column), source,
                     row < rows_valid ? kChunkBytes : 0);
  }
}

// Issues cp.async for rows [row_begin, row_begin + kRows) of a matrix whose row r starts at base +
// row_offset(r). Rows from row_end on become zero and are not read. Smem is the tile's SwizzledRows.
template <class Smem, int kRows, int kThreads, class T, class RowOffset>
__device__ __forceinline__ void cp_async_tile(std::uint32_t smem, const T* base, int row_begin, int row_end,
                                              RowOffset row_offset) {
  constexpr int kElements = kChunkBytes / static_cast<int>(sizeof(T));  // of a chunk
  constexpr int kRowsAtOnce = kThreads / Smem::kChunks;
  constexpr int kPasses = ceil_div(kRows, kRowsAtOnce);
  static_assert(kRowsAtOnce > 0, "a row needs one thread per chunk");
  const int row = static_cast<int>(threadIdx.x / Smem::kChunks);
  const int chunk = static_cast<int>(threadIdx.x % Smem::kChunks);
  // head_dim 96 leaves some threads without a chunk.
  if (kThreads % Smem::kChunks != 0 && row >= kRowsAtOnce) return;
  const T* column = base + chunk * kElements;
  if (row_begin + kRows <= row_end) {  // uniform: all but the last tile need no test per row
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

// The same for rows that lie anywhere: row_offset is called for rows [valid_begin, valid_end) only. All other rows
// become zero.
template <class Smem, int kRows, int kThreads, class T, class RowOffset>
__device__ __forceinline__ void cp_async_rows(std::uint32_t smem, const T* base, int row_begin,
                                              int valid_begin, int valid_end, RowOffset row_offset) {
  constexpr int kElements = kChunkBytes / static_cast<int>(sizeof(T));  // of a chunk
  constexpr int kRowsAtOnce = kThreads / Smem::kChunks;
  static_assert(kRowsAtOnce > 0, "a row needs one thread per chunk");
  const int first = static_cast<int>(threadIdx.x / Smem::kChunks);
  const int chunk = static_cast<int>(threadIdx.x % Smem::kChunks);
  if (kThreads % Smem::kChunks != 0 && first >= kRowsAtOnce) return;
#pragma unroll 4
  for (int tile_row = first; tile_row < kRows; tile_row += kRowsAtOnce) {
    const int row = row_begin + tile_row;
    const bool valid = row >= valid_begin && row < valid_end;
    const T* source = valid ? base + row_offset(row) + chunk * kElements : base;
    ptx::cp_async_16(smem + Smem::offset(tile_row, chunk), source, valid ? kChunkBytes : 0);
  }
}

}  // namespace flashcore::kernels
