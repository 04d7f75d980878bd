// Poisoned outputs and their comparison with the reference, on the device.
#include <cuda_runtime.h>

#include <algorithm>
#include <span>
#include <vector>

#include "kernels/reference/cuda_reference.hpp"
#include "kernels/reference/elements.cuh"
#include "kernels/reference/launch.cuh"

namespace flashcore::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 1024;

template <class Word>
constexpr Word kPoison = sizeof(Word) == 2 ? kPoison16 : kPoison32;

__global__ void poison_kernel(std::uint32_t* words, std::int64_t count) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += gridDim.x * kThreads) {
    words[i] = kPoison32;
  }
}

template <class Word>
__global__ void count_written_kernel(const Word* words, std::int64_t count, unsigned long long* written) {
  unsigned long long mine = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += gridDim.x * kThreads) {
    mine += words[i] != kPoison<Word>;
  }
  if (mine > 0) atomicAdd(written, mine);
}

// Blocks are dealt out to equal parts of a tensor, `blocks` to each.
struct Parts {
  std::int64_t elements;  // of one part
  int blocks;
};

// Each thread's sums over elements of its block's part, merged over the block into partial[blockIdx.x].
template <class Visit>
__device__ void sum_block(Parts parts, DifferenceSums* partial, Visit visit) {
  __shared__ DifferenceSums block_sums[kThreads];
  DifferenceSums sums;
  const std::int64_t first = std::int64_t{blockIdx.x} / parts.blocks * parts.elements;
  const std::int64_t step = std::int64_t{parts.blocks} * kThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} % parts.blocks * kThreads + threadIdx.x; i < parts.elements;
       i += step) {
    visit(sums, first + i);
  }
  block_sums[threadIdx.x] = sums;
  __syncthreads();  // protects block_sums: all are written before they are read
  for (unsigned distance = kThreads / 2; distance > 0; distance /= 2) {
    if (threadIdx.x < distance) merge(block_sums[threadIdx.x], block_sums[threadIdx.x + distance]);
    __syncthreads();  // protects block_sums: this level of the tree is complete
  }
  if (threadIdx.x == 0) partial[blockIdx.x] = block_sums[0];
}

struct Extent {
  std::int64_t heads, rows, head_dim;
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    compare_kernel(const T* out, Strides stride, const float* reference, Extent extent, Parts parts,
                   DifferenceSums* partial) {
  sum_block(parts, partial, [&](DifferenceSums& sums, std::int64_t i) {
    const std::int64_t column = i % extent.head_dim;
    const std::int64_t row = i / extent.head_dim % extent.rows;
    const std::int64_t head = i / extent.head_dim / extent.rows % extent.heads;
    const std::int64_t batch = i / extent.head_dim / extent.rows / extent.heads;
    const T* element = out + batch * stride.batch + head * stride.head + row * stride.row + column;
    add_difference(sums, to_float(*element), reference[i],
                   *reinterpret_cast<const std::uint16_t*>(element) == kPoison16, i);
  });
}

__global__ void __launch_bounds__(kThreads)
    compare_fp32_kernel(const float* values, const float* reference, Parts parts, DifferenceSums* partial) {
  sum_block(parts, partial, [&](DifferenceSums& sums, std::int64_t i) {
    add_difference(sums, values[i], reference[i], __float_as_uint(values[i]) == kPoison32, i);
  });
}

int blocks_per_part(std::int64_t elements, std::int64_t parts) {
  const std::int64_t useful = (elements + kThreads - 1) / kThreads;
  return static_cast<int>(std::clamp<std::int64_t>(kBlocks / parts, 1, std::max<std::int64_t>(useful, 1)));
}

// Splits `count` elements into sums.size() equal parts and runs `start(grid, parts, partial)`, which launches; merges
// the sums of the blocks of each part.
template <class Start>
int collect(std::span<DifferenceSums> sums, std::int64_t count, void* scratch, cudaStream_t stream,
            Start start) {
  const auto number = static_cast<int>(sums.size());
  const Parts parts{.elements = count / number, .blocks = blocks_per_part(count / number, number)};
  std::vector<DifferenceSums> on_host(static_cast<std::size_t>(number) * parts.blocks);
  cudaError_t error = start(number * parts.blocks, parts, static_cast<DifferenceSums*>(scratch));
  if (error == cudaSuccess) {
    error = cudaMemcpyAsync(on_host.data(), scratch, on_host.size() * sizeof(DifferenceSums),
                            cudaMemcpyDeviceToHost, stream);
  }
  if (error == cudaSuccess) error = cudaStreamSynchronize(stream);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] = DifferenceSums{};
    for (int block = 0; block < parts.blocks; ++block) merge(sums[i], on_host[i * parts.blocks + block]);
  }
  return error;
}

}  // namespace

int cuda_poison(void* data, std::size_t size_bytes, void* stream) {
  return launch(poison_kernel, kBlocks, kThreads, static_cast<cudaStream_t>(stream),
                static_cast<std::uint32_t*>(data),
                static_cast<std::int64_t>(size_bytes / sizeof(std::uint32_t)));
}

std::size_t cuda_compare_scratch_bytes(std::size_t sums) {
  return std::max<std::size_t>(sums, kBlocks) * sizeof(DifferenceSums);
}

int cuda_count_written(const void* data, std::size_t size_bytes, std::size_t word_bytes,
                       std::int64_t& written, void* scratch, void* stream) {
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  auto* count = static_cast<unsigned long long*>(scratch);
  const auto words = static_cast<std::int64_t>(size_bytes / word_bytes);
  cudaMemsetAsync(count, 0, sizeof(*count), cuda_stream);
  cudaError_t error = word_bytes == sizeof(std::uint16_t)
                          ? launch(count_written_kernel<std::uint16_t>, kBlocks, kThreads, cuda_stream,
                                   static_cast<const std::uint16_t*>(data), words, count)
                          : launch(count_written_kernel<std::uint32_t>, kBlocks, kThreads, cuda_stream,
                                   static_cast<const std::uint32_t*>(data), words, count);
  unsigned long long on_host = 0;
  if (error == cudaSuccess) {
    error = cudaMemcpyAsync(&on_host, count, sizeof(on_host), cudaMemcpyDeviceToHost, cuda_stream);
  }
  if (error == cudaSuccess) error = cudaStreamSynchronize(cuda_stream);
  written = static_cast<std::int64_t>(on_host);
  return error;
}

int cuda_compare(const void* out, Dtype dtype, const Strides& stride, const float* reference,
                 std::int64_t heads, std::int64_t rows, std::int64_t head_dim, std::span<DifferenceSums> sums,
                 void* scratch, void* stream) {
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  const Extent extent{heads, rows, head_dim};
  const std::int64_t count = static_cast<std::int64_t>(sums.size()) * rows * head_dim;
  return collect(sums, count, scratch, cuda_stream, [&](int grid, Parts parts, DifferenceSums* partial) {
    cudaError_t error = cudaSuccess;
    visit_output_element(dtype, [&]<class T>(T) {
      error = launch(compare_kernel<T>, grid, kThreads, cuda_stream, static_cast<const T*>(out), stride,
                     reference, extent, parts, partial);
    });
    return error;
  });
}

int cuda_compare_fp32(const float* values, const float* reference, std::int64_t count,
                      std::span<DifferenceSums> sums, void* scratch, void* stream) {
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  return collect(sums, count, scratch, cuda_stream, [&](int grid, Parts parts, DifferenceSums* partial) {
    return launch(compare_fp32_kernel, grid, kThreads, cuda_stream, values, reference, parts, partial);
  });
}

}  // namespace flashcore::kernels
