// PTX instructions that sm_80 and later have, one function per instruction. Titles in quotes are sections of
// the PTX ISA manual. The emulated machine of the tests replaces every header of this folder.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace flashcore::kernels::ptx {

// The block's dynamic shared memory, aligned for the 128-byte swizzle. ("State Spaces", .shared)
__device__ __forceinline__ unsigned char* dynamic_smem() {
  extern __shared__ __align__(1024) unsigned char flashcore_dynamic_smem[];
  return flashcore_dynamic_smem;
}

// cvta.to.shared: the 32-bit address in the shared window that shared-memory instructions take. ("cvta")
__device__ __forceinline__ std::uint32_t smem_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

// ld.shared: one word. ("ld")
__device__ __forceinline__ int load_shared_int(std::uint32_t smem) {
  int value;
  asm volatile("ld.shared.s32 %0, [%1];" : "=r"(value) : "r"(smem) : "memory");
  return value;
}

// st.shared: one word. ("st")
__device__ __forceinline__ void store_shared_int(std::uint32_t smem, int value) {
  asm volatile("st.shared.s32 [%0], %1;" ::"r"(smem), "r"(value) : "memory");
}

// cp.async: 16 bytes from global to shared memory, past L1. Of the 16 bytes, those after source_bytes (0 or
// 16) are written as zeros and not read. ("cp.async")
__device__ __forceinline__ void cp_async_16(std::uint32_t smem, const void* global, int source_bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(smem), "l"(global), "r"(source_bytes)
               : "memory");
}
__device__ __forceinline__ void cp_async_16(std::uint32_t smem, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(smem), "l"(global) : "memory");
}

// cp.async.commit_group: the copies that this thread has issued since the last commit become one group.
// ("cp.async.commit_group")
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// cp.async.wait_group: waits until at most kPending of this thread's youngest groups are still in flight.
// ("cp.async.wait_group / cp.async.wait_all")
template <int kPending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// cp.async.mbarrier.arrive.noinc: one arrival at `barrier`, when all copies that this thread has issued are done.
// ("cp.async.mbarrier.arrive")
__device__ __forceinline__ void cp_async_arrive(std::uint32_t barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}

// ldmatrix.x4: four 8x8 matrices of two-byte elements. Lanes 8i to 8i + 7 give the row addresses of matrix i;
// a lane gets elements (lane / 4, 2 · (lane % 4) + {0, 1}) of each. ("ldmatrix")
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(smem));
}

// ldmatrix.x4.trans: the same, each matrix transposed. ("ldmatrix")
__device__ __forceinline__ void ldmatrix_x4_trans(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
               : "r"(smem));
}

// mma.m16n8k16: d += a · b with FP32 accumulators. ("Matrix Fragments for mma.m16n8k16 with floating point
// type")
template <class T>
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                             std::uint32_t b1);
template <>
__device__ __forceinline__ void mma_m16n8k16<__half>(float (&d)[4], const std::uint32_t (&a)[4],
                                                     std::uint32_t b0, std::uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ __forceinline__ void mma_m16n8k16<__nv_bfloat16>(float (&d)[4], const std::uint32_t (&a)[4],
                                                            std::uint32_t b0, std::uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// ex2.approx.ftz: 2^x with a relative error of 2^-22; subnormal results are zero, 2^-inf is zero. ("ex2")
__device__ __forceinline__ float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// rcp.approx.ftz: 1 / x within one unit in the last place. ("rcp.approx.ftz")
__device__ __forceinline__ float reciprocal_approx(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// mul.rn.f16x2: products of two pairs of fp16; subnormal numbers are kept. ("mul", half precision)
__device__ __forceinline__ std::uint32_t multiply_f16x2(std::uint32_t a, std::uint32_t b) {
  std::uint32_t products;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(products) : "r"(a), "r"(b));
  return products;
}

// prmt: four of the eight bytes of low and high, which are numbered from the lowest byte of low. Each digit
// of the selector names one; the lowest digit names the result's lowest byte. ("prmt")
__device__ __forceinline__ std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high,
                                                       std::uint32_t selector) {
  std::uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(selector));
  return bytes;
}

// bar.sync: waits until `threads` threads have arrived at barrier `id`, this one included. ("bar, barrier")
__device__ __forceinline__ void named_barrier_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// bar.arrive: counts for the barrier and does not wait. ("bar, barrier")
__device__ __forceinline__ void named_barrier_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

}  // namespace flashcore::kernels::ptx
