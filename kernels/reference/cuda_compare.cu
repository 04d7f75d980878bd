// Poisoned outputs and their comparison with the reference, on the device.
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/reference/cuda_reference.hpp"
#include "kernels/reference/elements.cuh"

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

// Each thread's sums over `count` elements, merged over the block into partial[blockIdx.x].
template <class Visit>
__device__ void sum_block(std::int64_t count, DifferenceSums* partial, Visit visit) {
  __shared__ DifferenceSums block_sums[kThreads];
  DifferenceSums sums;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += gridDim.x * kThreads) {
    visit(sums, i);
  }
  block_sums[threadIdx.x] = sums;
  __syncthreads();  // protects block_sums: all are written before they are read
  for (int distance = kThreads / 2; distance > 0; distance /= 2) {
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
    compare_kernel(const T* out, Strides stride, const float* reference, Extent extent, std::int64_t count,
                   DifferenceSums* partial) {
  sum_block(count, partial, [&](DifferenceSums& sums, std::int64_t i) {
    const std::int64_t column = i % extent.head_dim;
    const std::int64_t row = i / extent.head_dim % extent.rows;
    const std::int64_t head = i / extent.head_dim / extent.rows % extent.heads;
    const std::int64_t batch = i / extent.head_dim / extent.rows / extent.heads;
    const T* element = out + batch * stride.batch + head * stride.head + row * stride.row + column;
    add_difference(sums, to_float(*element), reference[i],
                   *reinterpret_cast<const std::uint16_t*>(element) == kPoison16, i);
  });
}

__global__ void __launch_bounds__(kThreads) compare_fp32_kernel(const float* values, const float* reference,
                                                                std::int64_t count, DifferenceSums* partial) {
  sum_block(count, partial, [&](DifferenceSums& sums, std::int64_t i) {
    add_difference(sums, values[i], reference[i], __float_as_uint(values[i]) == kPoison32, i);
  });
}

// Temporary device memory.
struct Temporary {
  void* data = nullptr;
  cudaError_t error;
  explicit Temporary(std::size_t bytes) : error(cudaMalloc(&data, bytes)) {}
  ~Temporary() { cudaFree(data); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
};

// Runs `start(partial)` on kBlocks blocks and merges their sums.
template <class Start>
int collect(DifferenceSums& sums, cudaStream_t stream, Start start) {
  Temporary partial(kBlocks * sizeof(DifferenceSums));
  if (partial.error != cudaSuccess) return partial.error;
  start(static_cast<DifferenceSums*>(partial.data));
  std::vector<DifferenceSums> on_host(kBlocks);
  cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) {
    error = cudaMemcpyAsync(on_host.data(), partial.data, kBlocks * sizeof(DifferenceSums),
                            cudaMemcpyDeviceToHost, stream);
  }
  if (error == cudaSuccess) error = cudaStreamSynchronize(stream);
  sums = DifferenceSums{};
  for (const DifferenceSums& part : on_host) merge(sums, part);
  return error;
}

}  // namespace

int cuda_poison(void* data, std::size_t size_bytes, void* stream) {
  poison_kernel<<<kBlocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<std::uint32_t*>(data), static_cast<std::int64_t>(size_bytes / sizeof(std::uint32_t)));
  return cudaGetLastError();
}

int cuda_count_written(const void* data, std::size_t size_bytes, std::size_t word_bytes,
                       std::int64_t& written, void* stream) {
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  Temporary counter(sizeof(unsigned long long));
  if (counter.error != cudaSuccess) return counter.error;
  auto* count = static_cast<unsigned long long*>(counter.data);
  const auto words = static_cast<std::int64_t>(size_bytes / word_bytes);
  cudaMemsetAsync(count, 0, sizeof(*count), cuda_stream);
  if (word_bytes == sizeof(std::uint16_t)) {
    count_written_kernel<<<kBlocks, kThreads, 0, cuda_stream>>>(static_cast<const std::uint16_t*>(data),
                                                                words, count);
  } else {
    count_written_kernel<<<kBlocks, kThreads, 0, cuda_stream>>>(static_cast<const std::uint32_t*>(data),
                                                                words, count);
  }
  unsigned long long on_host = 0;
  cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) {
    error = cudaMemcpyAsync(&on_host, count, sizeof(on_host), cudaMemcpyDeviceToHost, cuda_stream);
  }
  if (error == cudaSuccess) error = cudaStreamSynchronize(cuda_stream);
  written = static_cast<std::int64_t>(on_host);
  return error;
}

int cuda_compare(const void* out, Dtype dtype, const Strides& stride, const float* reference,
                 std::int64_t batch, std::int64_t heads, std::int64_t rows, std::int64_t head_dim,
                 DifferenceSums& sums, void* stream) {
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  const Extent extent{heads, rows, head_dim};
  const std::int64_t count = batch * heads * rows * head_dim;
  return collect(sums, cuda_stream, [&](DifferenceSums* partial) {
    visit_output_element(dtype, [&]<class T>(T) {
      compare_kernel<<<kBlocks, kThreads, 0, cuda_stream>>>(static_cast<const T*>(out), stride, reference,
                                                            extent, count, partial);
    });
  });
}

int cuda_compare_fp32(const float* values, const float* reference, std::int64_t count, DifferenceSums& sums,
                      void* stream) {
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  return collect(sums, cuda_stream, [&](DifferenceSums* partial) {
    compare_fp32_kernel<<<kBlocks, kThreads, 0, cuda_stream>>>(values, reference, count, partial);
  });
}

}  // namespace flashcore::kernels
