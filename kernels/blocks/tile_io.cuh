// Tiles between global and shared memory, 16 bytes a thread at a time.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

inline constexpr int kVectorElements = 8;  // 16 bytes of a two-byte type

// Copies rows [0, rows_valid) of a [kRows, kCols] tile; the rows after them become zero, so that what no
// tensor holds never reaches an accumulator (0 · NaN would). All kThreads threads take part; the caller
// synchronises.
template <int kRows, int kCols, int kLeadingDim, int kThreads, class T>
__device__ void load_tile(T* smem, const T* global, std::int64_t row_stride, int rows_valid) {
  constexpr int kVectorsPerRow = kCols / kVectorElements;
  static_assert(kCols % kVectorElements == 0 && kLeadingDim % kVectorElements == 0);
#pragma unroll 4
  for (int i = threadIdx.x; i < kRows * kVectorsPerRow; i += kThreads) {
    const int row = i / kVectorsPerRow;
    const int column = (i % kVectorsPerRow) * kVectorElements;
    uint4 vector = make_uint4(0, 0, 0, 0);
    if (row < rows_valid) vector = *reinterpret_cast<const uint4*>(global + row * row_stride + column);
    *reinterpret_cast<uint4*>(smem + row * kLeadingDim + column) = vector;
  }
}

// The same by cp.async: complete once the thread's groups have been waited for and a barrier has been passed.
// Rows after rows_valid are zero-filled without being read; their address is clamped to a row that exists.
template <int kRows, int kCols, int kLeadingDim, int kThreads, class T>
__device__ void load_tile_async(T* smem, const T* global, std::int64_t row_stride, int rows_valid) {
  constexpr int kVectorsPerRow = kCols / kVectorElements;
  static_assert(kCols % kVectorElements == 0 && kLeadingDim % kVectorElements == 0);
#pragma unroll 4
  for (int i = threadIdx.x; i < kRows * kVectorsPerRow; i += kThreads) {
    const int row = i / kVectorsPerRow;
    const int column = (i % kVectorsPerRow) * kVectorElements;
    const T* source = global + min(row, rows_valid - 1) * row_stride + column;
    ptx::cp_async_16(ptx::smem_address(smem + row * kLeadingDim + column), source, row < rows_valid ? 16 : 0);
  }
}

}  // namespace flashcore::kernels
