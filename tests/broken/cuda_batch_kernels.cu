#include <cuda_runtime.h>

#include "broken/batch_attention.hpp"
#include "broken/make_batch_variants.hpp"

namespace flashcore::broken {
namespace {

constexpr int kThreads = 128;

// Counts launches, replayed ones too.
template <BatchBreak kBreak>
__device__ unsigned launches = 0;

template <BatchBreak kBreak>
__global__ void count_launch() {
  ++launches<kBreak>;
}

template <BatchBreak kBreak>
__global__ void __launch_bounds__(kThreads) batch_attention(const __grid_constant__ AttentionArgs args) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (row >= batch_row_count(args)) return;
  RowAttention<kBreak, __half>(args, batch_row(args, row), launches<kBreak>).run();
}

template <BatchBreak kBreak>
int launch(const AttentionArgs& args, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  const auto blocks = static_cast<unsigned>((batch_row_count(args) + kThreads - 1) / kThreads);
  count_launch<kBreak><<<1, 1, 0, queue>>>();
  batch_attention<kBreak><<<blocks, kThreads, 0, queue>>>(args);
  return cudaGetLastError();
}

}  // namespace

const std::vector<Variant>& cuda_batch_kernels() {
  static const std::vector<Variant> variants =
      make_batch_variants(Backend::cuda, [](auto which) { return &launch<decltype(which)::value>; });
  return variants;
}

}  // namespace flashcore::broken
