#include <cuda_runtime.h>

#include "broken/attention.hpp"
#include "broken/kernels.hpp"
#include "broken/make_variants.hpp"

namespace flashcore::broken {
namespace {

constexpr int kThreads = 128;

struct CudaTeam {
  int index, count;

  __device__ void sync() const { __syncthreads(); }
  // Warps drift apart by up to some microseconds, as they do on loads from memory.
  __device__ void jitter() const { __nanosleep((clock64() ^ (threadIdx.x / 32 * 977)) & 4095); }
  __device__ bool late(int) const { return false; }
};

template <Break kBreak>
__global__ void __launch_bounds__(kThreads) broken_attention(const __grid_constant__ AttentionArgs args) {
  extern __shared__ float memory[];
  auto& work = *reinterpret_cast<Workspace*>(memory);
  const CudaTeam team{static_cast<int>(threadIdx.x), kThreads};
  TileAttention<kBreak, __half, CudaTeam>(args, tile_position(args, blockIdx.x), work, team).run();
}

template <Break kBreak>
int launch(const AttentionArgs& args, void* stream) {
  const cudaError_t error = cudaFuncSetAttribute(
      broken_attention<kBreak>, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Workspace));
  if (error != cudaSuccess) return error;
  broken_attention<kBreak><<<static_cast<unsigned>(tile_count(args)), kThreads, sizeof(Workspace),
                             static_cast<cudaStream_t>(stream)>>>(args);
  return cudaGetLastError();
}

}  // namespace

const std::vector<Variant>& cuda_kernels() {
  static const std::vector<Variant> variants =
      make_variants(Backend::cuda, [](auto which) { return &launch<decltype(which)::value>; });
  return variants;
}

}  // namespace flashcore::broken
