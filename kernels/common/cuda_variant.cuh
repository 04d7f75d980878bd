// Turns a kernel class into a CompiledKernel. A family is a template `template <VariantSpec S> struct Kernel`
// with
//
//   static constexpr const char* kFamily;                its name
//   static constexpr const char* kSummary;               the idea in a few words
//   static constexpr int kMinComputeCapability;          10 · major + minor
//   static constexpr const char* invalid();              the reason why this tile cannot be compiled, or null
//   static constexpr int smem_bytes();                   dynamic shared memory per block
//   static std::int64_t grid_blocks(const KernelArgs&);  blocks of the grid
//   static const char* unsupported(const KernelArgs&);   the reason why these arguments cannot run, or null
//   __device__ static void run(const KernelArgs&);       the kernel body
//
// and optionally
//
//   static constexpr int kMaxComputeCapability;          for instructions that later architectures lack
//   static constexpr std::string_view kProblemFields[];  opt-in fields of problems that it supports
//   static constexpr int kMinBlocksPerSm;                for __launch_bounds__
//   static constexpr bool kDependentLaunch;              run() calls ptx::wait_for_previous_grid(), so that
//                                                        the grid may start early
//   static std::size_t workspace_bytes(const KernelArgs&);
//   static std::size_t plan_bytes(const AttentionArgs&);
//   static cudaError_t plan(const AttentionArgs&, cudaStream_t);
//                                                        as Family's functions of these names
//   struct Params;                                       the parameter of run() in place of KernelArgs
//   static cudaError_t prepare(const KernelArgs&, cudaStream_t, Params&);
//                                                        fills it before each launch; may take AttentionArgs
//                                                        for fields that KernelArgs lacks
//   static dim3 grid(const KernelArgs&);                 when the grid has more than one dimension
//   static cudaError_t finish(const KernelArgs&, cudaStream_t);
//                                                        launches a grid that follows the kernel; may take
//                                                        AttentionArgs, as unsupported() may
//
// A spec whose tile has cluster > 1 is launched in clusters of that many blocks.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include "kernels/common/gpu.hpp"
#include "kernels/common/grid_launch.cuh"
#include "kernels/common/kernel_args.hpp"
#include "variant/compiled_kernel.hpp"

namespace flashcore::kernels {

template <class K>
constexpr int threads_per_block() {
  return K::spec.tile.num_warps * kWarpSize;
}

template <class K>
constexpr int min_blocks_per_sm() {
  if constexpr (requires { K::kMinBlocksPerSm; }) {
    return K::kMinBlocksPerSm;
  } else {
    return 1;
  }
}

template <class K>
struct ParamsOf {
  using Type = KernelArgs;
};
template <class K>
requires requires { typename K::Params; }
struct ParamsOf<K> {
  using Type = typename K::Params;
};

// The __global__ takes the class, not the spec: nvcc 13.0 fails on a class-type template argument placed
// directly on a __global__ function in a namespace.
template <class K>
__global__ void __launch_bounds__(threads_per_block<K>(), min_blocks_per_sm<K>())
    attention_kernel(const __grid_constant__ typename ParamsOf<K>::Type params) {
  K::run(params);
}

template <class K>
struct CudaVariant {
  static_assert(K::invalid() == nullptr, "this tile cannot be compiled: see invalid() of its family");

  static const char* unsupported(const AttentionArgs& args, const DeviceLimits& device) {
    if (device.compute_capability < K::kMinComputeCapability)
      return "the device's compute capability is too low";
    if constexpr (requires { K::kMaxComputeCapability; }) {
      if (device.compute_capability > K::kMaxComputeCapability)
        return "uses instructions that only an older compute capability has";
    }
    if (device.max_smem_bytes_per_block < K::smem_bytes())
      return "needs more shared memory per block than the device has";
    if (K::grid_blocks(args) > std::numeric_limits<std::int32_t>::max()) return "the grid would be too large";
    return K::unsupported(args);
  }

  // More than 48 KB of shared memory must be requested once per device; the request is cheap, so that every
  // launch makes it.
  static int launch(const AttentionArgs& args, void* stream) {
    const auto cuda_stream = static_cast<cudaStream_t>(stream);
    if (const cudaError_t error = allow_smem(); error != cudaSuccess) return error;
    if constexpr (requires { typename K::Params; }) {
      typename K::Params params;
      if (const cudaError_t error = K::prepare(args, cuda_stream, params); error != cudaSuccess) return error;
      return launch_kernel(args, params, cuda_stream);
    } else {
      return launch_kernel(args, args, cuda_stream);
    }
  }

  static std::size_t workspace_bytes(const AttentionArgs& args) {
    if constexpr (requires { K::workspace_bytes; }) {
      return K::workspace_bytes(args);
    } else {
      return 0;
    }
  }

  static std::size_t plan_bytes(const AttentionArgs& args) {
    if constexpr (requires { K::plan_bytes; }) {
      return K::plan_bytes(args);
    } else {
      return 0;
    }
  }
  static int plan(const AttentionArgs& args, void* stream) {
    if constexpr (requires { K::plan; }) {
      const cudaError_t error = K::plan(args, static_cast<cudaStream_t>(stream));
      (void)cudaGetLastError();  // as launch_kernel()
      return error;
    } else {
      return cudaSuccess;
    }
  }

  static int query_resources(const AttentionArgs& args, Resources& resources) {
    if (const cudaError_t error = allow_smem(); error != cudaSuccess) return error;
    cudaFuncAttributes attributes{};
    if (const cudaError_t error = cudaFuncGetAttributes(&attributes, attention_kernel<K>);
        error != cudaSuccess) {
      return error;
    }
    int blocks_per_sm = 0;
    const cudaError_t error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(
        &blocks_per_sm, attention_kernel<K>, threads_per_block<K>(), K::smem_bytes());
    if (error != cudaSuccess) return error;
    resources = Resources{.registers = attributes.numRegs,
                          .static_smem_bytes = static_cast<int>(attributes.sharedSizeBytes),
                          .dynamic_smem_bytes = K::smem_bytes(),
                          .spill_bytes = static_cast<int>(attributes.localSizeBytes),
                          .threads = threads_per_block<K>(),
                          .blocks_per_sm = blocks_per_sm,
                          .grid_blocks = K::grid_blocks(args)};
    return cudaSuccess;
  }

  static int kernel_name(const char*& mangled) {
    return cudaFuncGetName(&mangled, reinterpret_cast<const void*>(attention_kernel<K>));
  }

 private:
  static cudaError_t launch_kernel(const AttentionArgs& args, const typename ParamsOf<K>::Type& params,
                                   cudaStream_t stream) {
    GridLaunch launch(stream, threads_per_block<K>(), K::smem_bytes());
    if constexpr (requires { K::grid(args); }) {
      launch.set_grid(K::grid(args));
    } else {
      launch.set_grid(static_cast<unsigned>(K::grid_blocks(args)));
    }
    if constexpr (K::spec.tile.cluster > 1) launch.set_cluster(K::spec.tile.cluster);
    if constexpr (requires { K::kDependentLaunch; }) launch.allow_early_start();
    cudaError_t error = cudaLaunchKernelEx(&launch.config(), attention_kernel<K>, params);
    if constexpr (requires { K::finish; }) {
      if (error == cudaSuccess) error = K::finish(args, stream);
    }
    (void)cudaGetLastError();  // clears the error, which no later call shall report again
    return error;
  }

  static cudaError_t allow_smem() {
    if constexpr (K::smem_bytes() > 48 * 1024) {
      return cudaFuncSetAttribute(attention_kernel<K>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  K::smem_bytes());
    } else {
      return cudaSuccess;
    }
  }
};

template <class K>
constexpr CompiledKernel make_kernel() {
  return {.family = K::kFamily,
          .summary = K::kSummary,
          .spec = K::spec,
          .backend = Backend::cuda,
          .smem_bytes = K::smem_bytes(),
          .problem_fields = problem_fields_of<K>(),
          .unsupported = CudaVariant<K>::unsupported,
          .workspace_bytes = CudaVariant<K>::workspace_bytes,
          .plan_bytes = CudaVariant<K>::plan_bytes,
          .plan = CudaVariant<K>::plan,
          .launch = CudaVariant<K>::launch,
          .resources = CudaVariant<K>::query_resources,
          .kernel_name = CudaVariant<K>::kernel_name};
}

// The variants of one family at one dtype and head_dim: one per tile of an array.
template <template <VariantSpec> class Kernel, Dtype kDtype, int kHeadDim, const auto& kTiles>
constexpr auto make_dtype_table() {
  return []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array{make_kernel<Kernel<VariantSpec{kDtype, kHeadDim, kTiles[kIndex]}>>()...};
  }
  (std::make_index_sequence<std::size(kTiles)>());
}

// The same for both two-byte dtypes: every tile in fp16, then every tile in bf16.
template <template <VariantSpec> class Kernel, int kHeadDim, const auto& kTiles>
constexpr auto make_table() {
  constexpr std::array kFp16 = make_dtype_table<Kernel, Dtype::fp16, kHeadDim, kTiles>();
  constexpr std::array kBf16 = make_dtype_table<Kernel, Dtype::bf16, kHeadDim, kTiles>();
  std::array<CompiledKernel, kFp16.size() + kBf16.size()> all{};
  std::copy(kBf16.begin(), kBf16.end(), std::copy(kFp16.begin(), kFp16.end(), all.begin()));
  return all;
}

}  // namespace flashcore::kernels
