// Seeded inputs, made on the device.
#include <cuda_runtime.h>

#include "kernels/common/numeric.cuh"
#include "kernels/reference/cuda_reference.hpp"

namespace flashcore::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 2048;

template <class T>
__global__ void __launch_bounds__(kThreads) fill_kernel(TensorFill fill, InputSource source) {
  const std::int64_t count = fill.batch * fill.heads * fill.rows * fill.head_dim;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += gridDim.x * kThreads) {
    const std::int64_t column = i % fill.head_dim;
    const std::int64_t row = i / fill.head_dim % fill.rows;
    const std::int64_t head = i / fill.head_dim / fill.rows % fill.heads;
    const std::int64_t batch = i / fill.head_dim / fill.rows / fill.heads;
    T* tensor = static_cast<T*>(fill.data);
    tensor[batch * fill.stride.batch + head * fill.stride.head + row * fill.stride.row + column] =
        from_float<T>(input_value(source, {row, column, static_cast<std::uint64_t>(i)}));
  }
}

}  // namespace

int cuda_fill(const TensorFill& fill, void* stream) {
  const InputSource source{.kind = fill.kind,
                           .dtype = fill.dtype,
                           .tensor = fill.tensor,
                           .stream = random_stream(fill.seed, fill.tensor, fill.set),
                           .rows = fill.rows};
  auto* cuda_stream = static_cast<cudaStream_t>(stream);
  if (fill.dtype == Dtype::fp16) {
    fill_kernel<__half><<<kBlocks, kThreads, 0, cuda_stream>>>(fill, source);
  } else {
    fill_kernel<__nv_bfloat16><<<kBlocks, kThreads, 0, cuda_stream>>>(fill, source);
  }
  return cudaGetLastError();
}

}  // namespace flashcore::kernels
