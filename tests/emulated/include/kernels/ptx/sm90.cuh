// Replaces kernels/ptx/sm90.cuh: the same functions on the emulated machine. Titles in quotes are
// sections of the PTX ISA manual. fence.mbarrier_init and dependent launch have no effect here: memory is
// consistent, and grids run one after the other.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "emulated/machine/barriers.hpp"
#include "emulated/machine/block.hpp"
#include "emulated/machine/bulk_copy.hpp"
#include "emulated/machine/matrix.hpp"
#include "emulated/machine/mbarrier.hpp"

namespace flashcore::kernels::ptx {

// "griddepcontrol"
inline void launch_dependent_grid() {}
inline void wait_for_previous_grid() {}

// "Special Registers: %cluster_ctarank", "barrier.cluster", "mapa"
inline std::uint32_t cluster_rank() {
  return static_cast<std::uint32_t>(emulated::current_block().memory.rank());
}
inline void cluster_barrier() { emulated::cluster_sync(); }
inline void cluster_barrier_aligned() {
  emulated::warp_sync();  // lanes of a warp arrive together
  emulated::cluster_sync();
}
inline std::uint32_t map_to_block(std::uint32_t smem, int rank) { return emulated::map_to_rank(smem, rank); }

// "ld", shared::cluster
template <class Vector>
Vector load_cluster(std::uint32_t mapped) {
  Vector value;
  std::memcpy(&value, emulated::shared_cluster_at(mapped, sizeof(value), sizeof(value), "ld.shared::cluster"),
              sizeof(value));
  return value;
}
inline float4 load_cluster_float4(std::uint32_t mapped) { return load_cluster<float4>(mapped); }
inline float2 load_cluster_float2(std::uint32_t mapped) { return load_cluster<float2>(mapped); }

// "mbarrier.init", "mbarrier.arrive", "mbarrier.try_wait"
inline void mbarrier_init(std::uint32_t barrier, std::uint32_t arrivals) {
  emulated::mbarrier_init(barrier, arrivals);
}
inline void fence_mbarrier_init() {}
inline void mbarrier_arrive_expect_bytes(std::uint32_t barrier, std::uint32_t bytes) {
  emulated::mbarrier_arrive(barrier, bytes);
}
inline void mbarrier_arrive(std::uint32_t barrier) { emulated::mbarrier_arrive(barrier, 0); }
inline void mbarrier_arrive_cluster(std::uint32_t mapped) { emulated::mbarrier_arrive(mapped, 0); }
// Suspends the thread until the phase has completed, as the instruction may.
inline bool mbarrier_try_wait(std::uint32_t barrier, std::uint32_t parity) {
  emulated::mbarrier_wait(barrier, parity);
  return true;
}

// "cp.async.bulk.tensor", "cp.async.bulk.commit_group", "cp.async.bulk.wait_group"
using TensorCoordinate = emulated::BoxCoordinate;

inline void prefetch_tensor_map(const CUtensorMap* map) { emulated::decode(*map); }
inline void copy_box_to_smem(std::uint32_t smem, const CUtensorMap* map, TensorCoordinate at,
                             std::uint32_t barrier) {
  emulated::issue_box_load(smem, *map, at, barrier, 1u << emulated::current_block().memory.rank());
}
inline void multicast_box_to_smem(std::uint32_t smem, const CUtensorMap* map, TensorCoordinate at,
                                  std::uint32_t barrier, std::uint16_t blocks) {
  emulated::issue_box_load(smem, *map, at, barrier, blocks);
}
inline void copy_box_to_global(const CUtensorMap* map, TensorCoordinate at, std::uint32_t smem) {
  emulated::current_thread().stores.issue(*map, at, smem);
}
inline void bulk_commit() { emulated::current_thread().stores.commit(); }
inline void bulk_wait_read() { emulated::current_thread().stores.wait(); }
// "membar/fence"
inline void fence_proxy_async() { emulated::current_thread().unfenced_rows.clear(); }

// "stmatrix"
inline void store_matrix_x4(std::uint32_t smem, std::uint32_t r0, std::uint32_t r1, std::uint32_t r2,
                            std::uint32_t r3) {
  emulated::store_matrix_x4(smem, {r0, r1, r2, r3});
}

}  // namespace flashcore::kernels::ptx
