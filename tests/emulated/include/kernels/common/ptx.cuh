// Stands in for kernels/common/ptx.cuh: the same functions, on the emulated machine.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "emulated/machine/barriers.hpp"
#include "emulated/machine/block.hpp"
#include "emulated/machine/matrix.hpp"
#include "emulated/machine/shared_memory.hpp"
#include "emulated/machine/warp.hpp"

namespace flashcore::kernels::ptx {

inline unsigned char* dynamic_smem() { return emulated::dynamic_shared_memory(); }

// cvta.to.shared (PTX ISA, "cvta").
inline std::uint32_t smem_address(const void* pointer) { return emulated::window_address(pointer); }

// PTX ISA, "cp.async".
inline void cp_async_16(std::uint32_t smem, const void* global, int source_bytes) {
  emulated::current_thread().copies.issue(smem, global, source_bytes);
}
inline void cp_async_16(std::uint32_t smem, const void* global) { cp_async_16(smem, global, 16); }
// PTX ISA, "cp.async.commit_group".
inline void cp_async_commit() { emulated::current_thread().copies.commit(); }
// PTX ISA, "cp.async.wait_group".
template <int kPending>
void cp_async_wait() {
  emulated::current_thread().copies.wait(kPending);
}

// PTX ISA, "ldmatrix".
inline void ldmatrix_x4(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  emulated::load_matrix_x4(fragment, smem);
}
inline void ldmatrix_x4_trans(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  emulated::load_matrix_x4_transposed(fragment, smem);
}

// PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type".
template <class T>
void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  emulated::mma_m16n8k16(d, a, b0, b1, emulated::element_to_float<T>);
}

// PTX ISA, "ex2": subnormal results are zero.
inline float exp2_approx(float x) {
  const float y = std::exp2(x);
  return y < 0x1p-126f ? 0.0f : y;
}

// PTX ISA, "shfl.sync", "vote.sync", "bar.warp.sync", "bar, barrier".
inline float shuffle_xor(float x, int lane_mask) { return __shfl_xor_sync(0xffffffffu, x, lane_mask); }
inline bool warp_any(bool predicate) { return __any_sync(0xffffffffu, predicate) != 0; }
inline void warp_barrier() { __syncwarp(); }
inline void block_barrier() { __syncthreads(); }

// PTX ISA, "barrier.cluster".
inline void cluster_barrier() { emulated::cluster_sync(); }

// PTX ISA, "mapa".
inline std::uint32_t map_to_block(std::uint32_t smem, int rank) { return emulated::map_to_rank(smem, rank); }

// PTX ISA, "ld", shared::cluster.
template <class Vector>
Vector load_cluster(std::uint32_t mapped) {
  Vector value;
  std::memcpy(&value, emulated::shared_cluster_at(mapped, sizeof(value), sizeof(value), "ld.shared::cluster"),
              sizeof(value));
  return value;
}
inline float4 load_cluster_float4(std::uint32_t mapped) { return load_cluster<float4>(mapped); }
inline float2 load_cluster_float2(std::uint32_t mapped) { return load_cluster<float2>(mapped); }

}  // namespace flashcore::kernels::ptx
