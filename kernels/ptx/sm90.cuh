// PTX instructions that sm_90 and later have, one function per instruction: clusters, mbarriers, bulk tensor
// copies, dependent launch. Titles in quotes are sections of the PTX ISA manual.
//
// Functions that kernels of older architectures name as well do nothing there.
#pragma once

#include <cuda.h>

#include <cstdint>

namespace flashcore::kernels::ptx {

// --- Dependent launch

// griddepcontrol.launch_dependents: the next grid may start once every block has called this.
// ("griddepcontrol")
__device__ __forceinline__ void launch_dependent_grid() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// griddepcontrol.wait: waits until the previous grids have ended and their writes are visible.
// ("griddepcontrol")
__device__ __forceinline__ void wait_for_previous_grid() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// --- Clusters

// %cluster_ctarank: this block's rank in its cluster. ("Special Registers: %cluster_ctarank")
__device__ __forceinline__ std::uint32_t cluster_rank() {
  std::uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// barrier.cluster.arrive (release), then .wait (acquire), by all threads of the cluster. ("barrier.cluster")
__device__ __forceinline__ void cluster_barrier() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;" ::: "memory");
#endif
}

// The same for warps whose lanes arrive together. ("barrier.cluster", .aligned)
__device__ __forceinline__ void cluster_barrier_aligned() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// mapa: the address of this block's shared-memory location in the block of rank `rank`. ("mapa")
__device__ __forceinline__ std::uint32_t map_to_block(std::uint32_t smem, int rank) {
  std::uint32_t mapped = 0;
#if __CUDA_ARCH__ >= 900
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(mapped) : "r"(smem), "r"(rank));
#endif
  return mapped;
}

// ld.shared::cluster: reads another block's shared memory at an address from map_to_block(). ("ld")
__device__ __forceinline__ float4 load_cluster_float4(std::uint32_t mapped) {
  float4 value{};
#if __CUDA_ARCH__ >= 900
  asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(value.x), "=f"(value.y), "=f"(value.z), "=f"(value.w)
               : "r"(mapped)
               : "memory");
#endif
  return value;
}
__device__ __forceinline__ float2 load_cluster_float2(std::uint32_t mapped) {
  float2 value{};
#if __CUDA_ARCH__ >= 900
  asm volatile("ld.shared::cluster.v2.f32 {%0, %1}, [%2];"
               : "=f"(value.x), "=f"(value.y)
               : "r"(mapped)
               : "memory");
#endif
  return value;
}

// --- mbarrier

// mbarrier.init: a phase completes after `arrivals` arrivals, when no announced bytes are outstanding.
// ("mbarrier.init")
__device__ __forceinline__ void mbarrier_init(std::uint32_t barrier, std::uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

// fence.mbarrier_init: makes initialised barriers visible to the copy engine and to the cluster.
// ("membar/fence")
__device__ __forceinline__ void fence_mbarrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

// mbarrier.arrive.expect_tx: one arrival that announces `bytes` of bulk copies. ("mbarrier.arrive")
__device__ __forceinline__ void mbarrier_arrive_expect_bytes(std::uint32_t barrier, std::uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

// mbarrier.arrive: one arrival; this thread's earlier writes are visible to every waiter (release).
// ("mbarrier.arrive")
__device__ __forceinline__ void mbarrier_arrive(std::uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

// The same at the barrier of any block of the cluster; `mapped` comes from map_to_block().
// ("mbarrier.arrive")
__device__ __forceinline__ void mbarrier_arrive_cluster(std::uint32_t mapped) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" ::"r"(mapped) : "memory");
}

// mbarrier.try_wait.parity: true when the phase of this parity has completed; may suspend for a while.
// ("mbarrier.test_wait / mbarrier.try_wait")
__device__ __forceinline__ bool mbarrier_try_wait(std::uint32_t barrier, std::uint32_t parity) {
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

// --- Bulk tensor copies

// Element coordinates of a box, fastest dimension first. A tensor with box_heads (blocks/tma_map.hpp) has its
// heads where others have rows.
struct TensorCoordinate {
  int column, row, head, batch;
};

// prefetch.tensormap: loads the map into the descriptor cache. ("prefetch, prefetchu")
__device__ __forceinline__ void prefetch_tensor_map(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

// cp.async.bulk.tensor, global to shared; the bytes count towards `barrier`. Elements outside the tensor
// arrive as zeros and count. ("cp.async.bulk.tensor")
__device__ __forceinline__ void copy_box_to_smem(std::uint32_t smem, const CUtensorMap* map,
                                                 TensorCoordinate at, std::uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(smem),
      "l"(map), "r"(at.column), "r"(at.row), "r"(at.head), "r"(at.batch), "r"(barrier)
      : "memory");
}

// The same into every block of the cluster whose bit is set, at the same offsets of its shared memory.
// ("cp.async.bulk.tensor", .multicast::cluster)
__device__ __forceinline__ void multicast_box_to_smem(std::uint32_t smem, const CUtensorMap* map,
                                                      TensorCoordinate at, std::uint32_t barrier,
                                                      std::uint16_t blocks) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%2, %3, %4, %5}], [%6], %7;" ::"r"(smem),
      "l"(map), "r"(at.column), "r"(at.row), "r"(at.head), "r"(at.batch), "r"(barrier), "h"(blocks)
      : "memory");
}

// cp.async.bulk.tensor, shared to global; elements outside the tensor are not written.
// ("cp.async.bulk.tensor")
__device__ __forceinline__ void copy_box_to_global(const CUtensorMap* map, TensorCoordinate at,
                                                   std::uint32_t smem) {
  asm volatile(
      "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%1, %2, %3, %4}], [%5];" ::"l"(map),
      "r"(at.column), "r"(at.row), "r"(at.head), "r"(at.batch), "r"(smem)
      : "memory");
}

// cp.async.bulk.commit_group: this thread's stores since the last commit become one group.
// ("cp.async.bulk.commit_group")
__device__ __forceinline__ void bulk_commit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }

// cp.async.bulk.wait_group.read: waits until this thread's committed stores have read their shared memory.
// ("cp.async.bulk.wait_group")
__device__ __forceinline__ void bulk_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
}

// fence.proxy.async: orders this thread's ordinary shared-memory accesses before later accesses by the copy
// engine and the tensor cores. ("membar/fence")
__device__ __forceinline__ void fence_proxy_async() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// --- Matrices

// stmatrix.x4: four 8x8 matrices of two-byte elements; lane i gives the address of row i % 8 of matrix i / 8.
// ("stmatrix")
__device__ __forceinline__ void store_matrix_x4(std::uint32_t smem, std::uint32_t r0, std::uint32_t r1,
                                                std::uint32_t r2, std::uint32_t r3) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(smem), "r"(r0),
               "r"(r1), "r"(r2), "r"(r3)
               : "memory");
}

}  // namespace flashcore::kernels::ptx
