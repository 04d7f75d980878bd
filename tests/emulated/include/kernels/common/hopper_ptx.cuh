// Stands in for kernels/common/hopper_ptx.cuh: the same functions, on the emulated machine.
// fence.mbarrier_init and register counts have no effect here.
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
#include "kernels/common/ptx.cuh"

namespace flashcore::kernels {

inline std::uint32_t smem_address(const void* pointer) { return emulated::window_address(pointer); }

// PTX ISA, "ld" and "st", shared::cta.
inline int load_shared_int(std::uint32_t address) {
  int value;
  std::memcpy(&value, emulated::shared_at(address, sizeof(value), sizeof(value), "ld.shared"), sizeof(value));
  return value;
}
inline void store_shared_int(std::uint32_t address, int value) {
  std::memcpy(emulated::shared_at(address, sizeof(value), sizeof(value), "st.shared"), &value, sizeof(value));
}

// --- PTX ISA, "Parallel synchronization: mbarrier"

inline void mbarrier_init(std::uint32_t barrier, std::uint32_t arrivals) {
  emulated::mbarrier_init(barrier, arrivals);
}
inline void fence_mbarrier_init() {}
inline void mbarrier_arrive_expect_bytes(std::uint32_t barrier, std::uint32_t bytes) {
  emulated::mbarrier_arrive(barrier, bytes);
}
inline void mbarrier_arrive(std::uint32_t barrier) { emulated::mbarrier_arrive(barrier, 0); }
inline void mbarrier_arrive_at(std::uint32_t barrier, std::uint32_t rank) {
  emulated::mbarrier_arrive(emulated::map_to_rank(barrier, static_cast<int>(rank)), 0);
}
inline void mbarrier_wait(std::uint32_t barrier, std::uint32_t parity) {
  emulated::mbarrier_wait(barrier, parity);
}

// --- PTX ISA, "bar, barrier"

inline void named_barrier_sync(int id, int threads) { emulated::named_barrier_sync(id, threads); }
inline void named_barrier_arrive(int id, int threads) { emulated::named_barrier_arrive(id, threads); }

// --- PTX ISA, "cp.async.bulk.tensor", "cp.async.bulk.commit_group / wait_group"

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
inline void fence_proxy_async() { emulated::current_thread().unfenced_rows.clear(); }

// PTX ISA, "stmatrix".
inline void store_matrix_x4(std::uint32_t smem, std::uint32_t r0, std::uint32_t r1, std::uint32_t r2,
                            std::uint32_t r3) {
  emulated::store_matrix_x4(smem, {r0, r1, r2, r3});
}

// --- PTX ISA, "barrier.cluster", "%cluster_ctarank"

inline std::uint32_t cluster_rank() {
  return static_cast<std::uint32_t>(emulated::current_block().memory.rank());
}
inline void cluster_sync() { emulated::cluster_sync(); }

// --- PTX ISA, "setmaxnreg"

template <int kRegisters>
void release_registers() {}
template <int kRegisters>
void acquire_registers() {}

inline float exp2_approx(float x) { return ptx::exp2_approx(x); }
inline float reciprocal_approx(float x) { return 1.0f / x; }

}  // namespace flashcore::kernels
