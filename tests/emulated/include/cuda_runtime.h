// Replaces the toolkit's <cuda_runtime.h>: its types, the built-ins of device code, and launches that run on
// the emulated machine.
#pragma once

#include <cuda_runtime_api.h>
#include <vector_functions.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include "emulated/machine/barriers.hpp"
#include "emulated/machine/launch.hpp"
#include "emulated/machine/warp.hpp"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

#define __launch_bounds__(...)
#define __CUDA_ARCH_FEAT_SM90_ALL  // kernels for sm_90a have empty bodies without it

// --- Built-in variables: set when another thread continues

extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;

// --- Built-in functions (CUDA C++ Programming Guide); masks are always whole warps

constexpr int min(int a, int b) { return b < a ? b : a; }
constexpr int max(int a, int b) { return a < b ? b : a; }
inline float __fdividef(float x, float y) { return x / y; }

inline void __syncthreads() { flashcore::emulated::block_sync(); }
inline void __syncwarp() { flashcore::emulated::warp_sync(); }
inline int __any_sync(unsigned, int predicate) { return flashcore::emulated::vote_any(predicate != 0); }
inline unsigned __ballot_sync(unsigned, int predicate) {
  return flashcore::emulated::vote_ballot(predicate != 0);
}
inline int __popc(unsigned bits) { return std::popcount(bits); }
// The lowest bit that is set, counted from 1; 0: none.
inline int __ffs(int bits) { return bits == 0 ? 0 : std::countr_zero(static_cast<unsigned>(bits)) + 1; }

inline float __shfl_xor_sync(unsigned, float x, int lane_mask) {
  return std::bit_cast<float>(
      flashcore::emulated::shuffle_xor_bits(std::bit_cast<std::uint32_t>(x), lane_mask));
}
template <class T>
T __shfl_sync(unsigned, T x, int source) {
  return std::bit_cast<T>(flashcore::emulated::shuffle_bits(std::bit_cast<std::uint32_t>(x), source));
}

inline int atomicAdd(int* address, int value) { return std::exchange(*address, *address + value); }
inline unsigned atomicMax(unsigned* address, unsigned value) {
  return std::exchange(*address, *address < value ? value : *address);
}

// --- The C++ side of the runtime

template <class... Params, class... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...), Args&&... args) {
  flashcore::emulated::launch_grid(*config, [&] { kernel(args...); });
  return cudaSuccess;
}

template <class... Params>
cudaError_t cudaFuncSetAttribute(void (*)(Params...), cudaFuncAttribute, int) {
  return cudaSuccess;
}
template <class... Params>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, void (*)(Params...)) {
  return cudaErrorNotSupported;
}
template <class... Params>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int*, void (*)(Params...), int, std::size_t) {
  return cudaErrorNotSupported;
}

// NOLINTEND(readability-identifier-naming)
