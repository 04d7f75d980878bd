// PTX of Hopper (sm_90a) around the matrix product: barriers, bulk tensor copies, clusters, register counts.
// One function an instruction; each names its section of the PTX ISA manual. Shared memory is addressed by
// its 32-bit window address (smem_address).
#pragma once

#include <cuda.h>

#include <cstdint>

namespace flashcore::kernels {

__device__ inline std::uint32_t smem_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

// ld.shared and st.shared: one word, by its window address. "ld", "st".
__device__ inline int load_shared_int(std::uint32_t address) {
  int value;
  asm volatile("ld.shared.s32 %0, [%1];" : "=r"(value) : "r"(address) : "memory");
  return value;
}
__device__ inline void store_shared_int(std::uint32_t address, int value) {
  asm volatile("st.shared.s32 [%0], %1;" ::"r"(address), "r"(value) : "memory");
}

// --- mbarrier: "Parallel synchronization: mbarrier"

// mbarrier.init: a phase completes after `arrivals` arrivals and when no announced bytes are outstanding.
__device__ inline void mbarrier_init(std::uint32_t barrier, std::uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

// fence.mbarrier_init: makes initialised barriers visible to the copy engine and to the cluster.
// "membar/fence".
__device__ inline void fence_mbarrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// mbarrier.arrive.expect_tx: one arrival that announces `bytes` of bulk copies.
__device__ inline void mbarrier_arrive_expect_bytes(std::uint32_t barrier, std::uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

// mbarrier.arrive: one arrival; what this thread did before is visible to whoever waits (release).
__device__ inline void mbarrier_arrive(std::uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

// mapa, then mbarrier.arrive: one arrival at the same barrier of block `rank` of the cluster.
__device__ inline void mbarrier_arrive_at(std::uint32_t barrier, std::uint32_t rank) {
  asm volatile(
      "{\n"
      ".reg .b32 remote;\n"
      "mapa.shared::cluster.u32 remote, %0, %1;\n"
      "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote];\n"
      "}" ::"r"(barrier),
      "r"(rank)
      : "memory");
}

// mbarrier.try_wait.parity: true when the phase of this parity has completed; may suspend for a while.
__device__ inline bool mbarrier_try_wait(std::uint32_t barrier, std::uint32_t parity) {
  std::uint32_t done;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.b32 %0, 1, 0, p;\n"
      "}"
      : "=r"(done)
      : "r"(barrier), "r"(parity)
      : "memory");
  return done != 0;
}

__device__ inline void mbarrier_wait(std::uint32_t barrier, std::uint32_t parity) {
  while (!mbarrier_try_wait(barrier, parity)) {
  }
}

// --- Named barriers: "bar, barrier"

// bar.sync: waits until `threads` threads have come to barrier `id`, this one included.
__device__ inline void named_barrier_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// bar.arrive: counts for the barrier without waiting.
__device__ inline void named_barrier_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// --- Bulk tensor copies: "cp.async.bulk.tensor", "cp.async.bulk.commit_group / wait_group"

// Element coordinates of a box, fastest dimension first. A tensor with box_heads (tma_map.hpp) has its heads
// where others have rows.
struct TensorCoordinate {
  int column, row, head, batch;
};

// prefetch.tensormap: brings the map into the descriptor cache.
__device__ inline void prefetch_tensor_map(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

// Global to shared; the bytes count towards `barrier`. Elements outside the tensor arrive as zeros and count.
__device__ inline void copy_box_to_smem(std::uint32_t smem, const CUtensorMap* map, TensorCoordinate at,
                                        std::uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(smem),
      "l"(map), "r"(at.column), "r"(at.row), "r"(at.head), "r"(at.batch), "r"(barrier)
      : "memory");
}

// The same into every block of the cluster whose bit is set, at the same offsets of its shared memory.
__device__ inline void multicast_box_to_smem(std::uint32_t smem, const CUtensorMap* map, TensorCoordinate at,
                                             std::uint32_t barrier, std::uint16_t blocks) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%2, %3, %4, %5}], [%6], %7;" ::"r"(smem),
      "l"(map), "r"(at.column), "r"(at.row), "r"(at.head), "r"(at.batch), "r"(barrier), "h"(blocks)
      : "memory");
}

// Shared to global; elements outside the tensor are not written.
__device__ inline void copy_box_to_global(const CUtensorMap* map, TensorCoordinate at, std::uint32_t smem) {
  asm volatile(
      "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%1, %2, %3, %4}], [%5];" ::"l"(map),
      "r"(at.column), "r"(at.row), "r"(at.head), "r"(at.batch), "r"(smem)
      : "memory");
}

__device__ inline void bulk_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }

// Waits until this thread's committed stores have read their shared memory.
__device__ inline void bulk_wait_read() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }

// fence.proxy.async: orders this thread's ordinary shared-memory accesses before later accesses by the copy
// engine and the tensor cores. "membar/fence".
__device__ inline void fence_proxy_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// stmatrix: four 8×8 matrices of two-byte elements; lane i gives the address of row i % 8 of matrix i / 8.
__device__ inline void store_matrix_x4(std::uint32_t smem, std::uint32_t r0, std::uint32_t r1,
                                       std::uint32_t r2, std::uint32_t r3) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(smem), "r"(r0),
               "r"(r1), "r"(r2), "r"(r3)
               : "memory");
}

// --- Clusters: "barrier.cluster", "%cluster_ctarank"

__device__ inline std::uint32_t cluster_rank() {
  std::uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// All threads of all blocks of the cluster wait for each other.
__device__ inline void cluster_sync() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// --- Registers: "setmaxnreg"

// Executed by all warps of a warpgroup; gives registers back to the block's pool.
template <int kRegisters>
__device__ void release_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// Executed by all warps of a warpgroup; waits until the pool has enough.
template <int kRegisters>
__device__ void acquire_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// --- Arithmetic

// ex2.approx.ftz.f32: 2^x, relative error 2^-22; 2^-inf is 0.
__device__ inline float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// rcp.approx.ftz.f32: 1 / x, one unit in the last place.
__device__ inline float reciprocal_approx(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace flashcore::kernels
