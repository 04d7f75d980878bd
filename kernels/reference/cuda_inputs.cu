// Seeded inputs on the device.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>

#include "kernels/common/indexing.hpp"
#include "kernels/reference/cuda_reference.hpp"
#include "kernels/reference/elements.cuh"
#include "kernels/reference/launch.cuh"

namespace flashcore::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 2048;

constexpr unsigned blocks(std::int64_t elements, std::int64_t most) {
  return static_cast<unsigned>(std::min(ceil_div(elements, kThreads), most));
}

// The value of element i in [batch, heads, rows, head_dim] order, neither scaled nor rounded.
__device__ float value_at(const TensorFill& fill, const InputSource& source, std::int64_t i) {
  const std::int64_t column = i % fill.head_dim;
  const std::int64_t row = i / fill.head_dim % fill.rows;
  return input_value(source, {row, column, static_cast<std::uint64_t>(i)});
}

// The number of elements that share one descale factor; they lie side by side in that order.
std::int64_t factor_elements(const TensorFill& fill) {
  return fill.heads / fill.heads_kv * fill.rows * fill.head_dim;
}

// Writes the largest finite magnitude of each `count` elements to descale, which holds zeros. The bits of
// non-negative floats are in the order of their values.
__global__ void __launch_bounds__(kThreads)
    find_largest_kernel(TensorFill fill, InputSource source, std::int64_t count, int blocks_per_factor) {
  const std::int64_t factor = blockIdx.x / blocks_per_factor;
  const int part = static_cast<int>(blockIdx.x) % blocks_per_factor;
  float largest = 0;
  for (std::int64_t i = std::int64_t{part} * kThreads + threadIdx.x; i < count;
       i += blocks_per_factor * kThreads) {
    const float magnitude = fabsf(value_at(fill, source, factor * count + i));
    if (magnitude > largest && magnitude < INFINITY) largest = magnitude;
  }
  atomicMax(reinterpret_cast<unsigned*>(fill.descale + factor), std::bit_cast<unsigned>(largest));
}

// Turns the largest magnitudes in descale into factors.
__global__ void __launch_bounds__(kThreads) descale_kernel(TensorFill fill, InputSource source) {
  const std::int64_t head = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (head < fill.batch * fill.heads_kv)
    fill.descale[head] = descale_factor(source, head, fill.descale[head]);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    fill_kernel(TensorFill fill, InputSource source, std::int64_t factor_elements) {
  const std::int64_t count = fill.batch * fill.heads * fill.rows * fill.head_dim;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += gridDim.x * kThreads) {
    const std::int64_t column = i % fill.head_dim;
    const std::int64_t row = i / fill.head_dim % fill.rows;
    const std::int64_t head = i / fill.head_dim / fill.rows % fill.heads;
    const std::int64_t batch = i / fill.head_dim / fill.rows / fill.heads;
    T* tensor = static_cast<T*>(fill.data);
    const float factor = fill.descale == nullptr ? 1.0f : fill.descale[i / factor_elements];
    tensor[batch * fill.stride.batch + head * fill.stride.head + row * fill.stride.row + column] =
        from_float<T>(value_at(fill, source, i) / factor);
  }
}

cudaError_t make_descale(const TensorFill& fill, const InputSource& source, cudaStream_t stream) {
  constexpr std::int64_t kMaxBlocksPerFactor = 64;
  const std::int64_t factors = fill.batch * fill.heads_kv;
  const std::int64_t elements = factor_elements(fill);
  const unsigned blocks_per_factor = blocks(elements, kMaxBlocksPerFactor);
  cudaError_t error =
      cudaMemsetAsync(fill.descale, 0, static_cast<std::size_t>(factors) * sizeof(float), stream);
  if (error == cudaSuccess) {
    error = launch(find_largest_kernel, static_cast<unsigned>(factors) * blocks_per_factor, kThreads, stream,
                   fill, source, elements, static_cast<int>(blocks_per_factor));
  }
  if (error == cudaSuccess)
    error = launch(descale_kernel, blocks(factors, factors), kThreads, stream, fill, source);
  return error;
}

}  // namespace

int cuda_fill(const TensorFill& fill, void* stream) {
  const InputSource source{.kind = fill.kind,
                           .dtype = fill.dtype,
                           .tensor = fill.tensor,
                           .stream = random_stream(fill.seed, fill.tensor, fill.set),
                           .rows = fill.rows};
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  if (fill.descale != nullptr) {
    if (const cudaError_t error = make_descale(fill, source, cuda_stream); error != cudaSuccess) return error;
  }
  const std::int64_t count = fill.batch * fill.heads * fill.rows * fill.head_dim;
  return visit_element(fill.dtype, [&]<class T>(T) {
    return launch(fill_kernel<T>, blocks(count, kMaxBlocks), kThreads, cuda_stream, fill, source,
                  factor_elements(fill));
  });
}

}  // namespace flashcore::kernels
