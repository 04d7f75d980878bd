// Copies of single rows on the device.
#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/common/indexing.hpp"
#include "kernels/reference/cuda_reference.hpp"
#include "kernels/reference/launch.cuh"

namespace flashcore::kernels {
namespace {

constexpr int kWarp = 32;
constexpr int kRowsPerBlock = 8;
constexpr std::int64_t kMaxBlocks = 1 << 16;

template <class Word>
__device__ void copy_row(char* to, const char* from, std::int64_t bytes) {
  const int words = static_cast<int>(bytes / static_cast<std::int64_t>(sizeof(Word)));
#pragma unroll 1  // unrolled, it spills for compute capability 8.0
  for (int i = static_cast<int>(threadIdx.x) % kWarp; i < words; i += kWarp) {
    reinterpret_cast<Word*>(to)[i] = reinterpret_cast<const Word*>(from)[i];
  }
}

// One warp per row. moves: pairs of places, from and to, in bytes
__global__ void __launch_bounds__(kWarp* kRowsPerBlock)
    move_rows_kernel(char* to, const char* from, const std::int64_t* moves, std::int64_t count,
                     std::int64_t row_bytes) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / kWarp; i < count;
       i += std::int64_t{gridDim.x} * kRowsPerBlock) {
    const std::int64_t from_place = moves[2 * i];
    const std::int64_t to_place = moves[2 * i + 1];
    if ((from_place | to_place | row_bytes) % 16 == 0) {
      copy_row<uint4>(to + to_place, from + from_place, row_bytes);
    } else {
      copy_row<char>(to + to_place, from + from_place, row_bytes);
    }
  }
}

}  // namespace

int cuda_move_rows(void* to, const void* from, const std::int64_t* moves, std::int64_t count,
                   std::int64_t row_bytes, void* stream) {
  if (count == 0) return cudaSuccess;
  const auto blocks =
      static_cast<unsigned>(std::min(ceil_div(count, std::int64_t{kRowsPerBlock}), kMaxBlocks));
  return launch(move_rows_kernel, dim3(blocks), kWarp * kRowsPerBlock, static_cast<cudaStream_t>(stream),
                static_cast<char*>(to), static_cast<const char*>(from), moves, count, row_bytes);
}

}  // namespace flashcore::kernels
