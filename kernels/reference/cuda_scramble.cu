// Scrambled inputs, fingerprints of memory and a delay, on the device.
#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/reference/cuda_reference.hpp"
#include "kernels/reference/launch.cuh"
#include "kernels/reference/scramble.hpp"

namespace flashcore::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 4096;  // of all regions together, where each has one

constexpr std::int64_t words_of(std::int64_t bytes) { return (bytes + 7) / 8; }

// (blocks, regions)
dim3 grid_of(const MemoryRegions& regions) {
  std::int64_t largest = 0;
  for (int i = 0; i < regions.count; ++i) largest = std::max(largest, regions.bytes[i]);
  const std::int64_t useful = (words_of(largest) + kThreads - 1) / kThreads;
  const std::int64_t blocks = std::clamp<std::int64_t>(useful, 1, kMaxBlocks / regions.count);
  return {static_cast<unsigned>(blocks), static_cast<unsigned>(regions.count)};
}

__device__ std::uint64_t load_word(const std::uint8_t* data, std::int64_t bytes, std::int64_t index) {
  const std::int64_t left = bytes - 8 * index;
  if (left >= 8) return reinterpret_cast<const std::uint64_t*>(data)[index];
  return partial_word(data + 8 * index, left);
}

__device__ void store_word(std::uint8_t* data, std::int64_t bytes, std::int64_t index, std::uint64_t word) {
  const std::int64_t left = bytes - 8 * index;
  if (left >= 8) {
    reinterpret_cast<std::uint64_t*>(data)[index] = word;
  } else {
    store_partial_word(data + 8 * index, left, word);
  }
}

// Without `change` the same words are read and written as they are. grid: (blocks, regions)
__global__ void __launch_bounds__(kThreads)
    scramble_kernel(MemoryRegions regions, ScrambleFormat format, const std::uint64_t* counter, bool change) {
  auto* data = static_cast<std::uint8_t*>(regions.data[blockIdx.y]);
  const std::int64_t bytes = regions.bytes[blockIdx.y];
  const std::uint64_t key = mix_bits(*counter ^ reinterpret_cast<std::uintptr_t>(data));
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; 8 * i < bytes;
       i += std::int64_t{gridDim.x} * kThreads) {
    const std::uint64_t word = load_word(data, bytes, i);
    const std::uint64_t other = scramble_word(format, word, key, static_cast<std::uint64_t>(i));
    store_word(data, bytes, i, change ? other : word);
  }
}

__global__ void advance_kernel(std::uint64_t* counter) { ++*counter; }

// grid: (blocks, regions)
__global__ void __launch_bounds__(kThreads)
    fingerprint_kernel(MemoryRegions regions, unsigned long long* sums) {
  __shared__ unsigned long long block_sums[kThreads];
  const auto* data = static_cast<const std::uint8_t*>(regions.data[blockIdx.y]);
  const std::int64_t bytes = regions.bytes[blockIdx.y];
  std::uint64_t mine = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; 8 * i < bytes;
       i += std::int64_t{gridDim.x} * kThreads) {
    mine += fingerprint_of(load_word(data, bytes, i), static_cast<std::uint64_t>(i));
  }
  block_sums[threadIdx.x] = mine;
  __syncthreads();  // protects block_sums: all are written before they are read
  for (int distance = kThreads / 2; distance > 0; distance /= 2) {
    if (static_cast<int>(threadIdx.x) < distance)
      block_sums[threadIdx.x] += block_sums[threadIdx.x + distance];
    __syncthreads();  // protects block_sums: this level of the tree is complete
  }
  if (threadIdx.x == 0) atomicAdd(sums + blockIdx.y, block_sums[0]);
}

__global__ void delay_kernel(long long cycles) {
  const long long begin = clock64();
  while (clock64() - begin < cycles) {
  }
}

}  // namespace

int cuda_scramble(const MemoryRegions& regions, Dtype dtype, bool change, std::uint64_t* counter,
                  void* stream) {
  if (regions.count == 0) return cudaSuccess;
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  cudaError_t error = launch(scramble_kernel, grid_of(regions), kThreads, cuda_stream, regions,
                             scramble_format(dtype), static_cast<const std::uint64_t*>(counter), change);
  if (error == cudaSuccess) error = launch(advance_kernel, dim3(1), 1, cuda_stream, counter);
  return error;
}

int cuda_fingerprint(const MemoryRegions& regions, std::uint64_t* sums, void* stream) {
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  const auto count = static_cast<std::size_t>(regions.count);
  if (count == 0) return cudaSuccess;
  cudaError_t error = cudaMemsetAsync(sums, 0, count * sizeof(*sums), cuda_stream);
  if (error != cudaSuccess) return error;
  return launch(fingerprint_kernel, grid_of(regions), kThreads, cuda_stream, regions,
                reinterpret_cast<unsigned long long*>(sums));
}

int cuda_delay(std::int64_t cycles, void* stream) {
  return launch(delay_kernel, dim3(1), 1, static_cast<cudaStream_t>(stream), static_cast<long long>(cycles));
}

}  // namespace flashcore::kernels
