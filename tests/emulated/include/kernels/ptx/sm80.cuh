// Replaces kernels/ptx/sm80.cuh: the same functions on the emulated machine. Titles in quotes are
// sections of the PTX ISA manual.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "emulated/machine/barriers.hpp"
#include "emulated/machine/block.hpp"
#include "emulated/machine/matrix.hpp"
#include "emulated/machine/mbarrier.hpp"
#include "emulated/machine/shared_memory.hpp"

namespace flashcore::kernels::ptx {

inline unsigned char* dynamic_smem() { return emulated::dynamic_shared_memory(); }

// "cvta"
inline std::uint32_t smem_address(const void* pointer) { return emulated::window_address(pointer); }

// "ld" and "st", shared::cta
inline int load_shared_int(std::uint32_t smem) {
  int value;
  std::memcpy(&value, emulated::shared_at(smem, sizeof(value), sizeof(value), "ld.shared"), sizeof(value));
  return value;
}
inline void store_shared_int(std::uint32_t smem, int value) {
  std::memcpy(emulated::shared_at(smem, sizeof(value), sizeof(value), "st.shared"), &value, sizeof(value));
}

// "cp.async"
inline void cp_async_16(std::uint32_t smem, const void* global, int source_bytes) {
  emulated::current_thread().copies.issue(smem, global, source_bytes);
}
inline void cp_async_16(std::uint32_t smem, const void* global) { cp_async_16(smem, global, 16); }
// "cp.async.commit_group"
inline void cp_async_commit() { emulated::current_thread().copies.commit(); }
// "cp.async.wait_group / cp.async.wait_all"
template <int kPending>
void cp_async_wait() {
  emulated::current_thread().copies.wait(kPending);
}

// "cp.async.mbarrier.arrive": the copies are done at once, and do not arrive later than the barrier says.
inline void cp_async_arrive(std::uint32_t barrier) {
  cp_async_commit();
  cp_async_wait<0>();
  emulated::mbarrier_arrive(barrier, 0);
}

// "ldmatrix"
inline void ldmatrix_x4(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  emulated::load_matrix_x4(fragment, smem);
}
inline void ldmatrix_x4_trans(std::uint32_t (&fragment)[4], std::uint32_t smem) {
  emulated::load_matrix_x4_transposed(fragment, smem);
}

// "Matrix Fragments for mma.m16n8k16 with floating point type"
template <class T>
void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  emulated::mma_m16n8k16(d, a, b0, b1, emulated::element_to_float<T>);
}

// "ex2": subnormal results are zero.
inline float exp2_approx(float x) {
  const float y = std::exp2(x);
  return y < 0x1p-126f ? 0.0f : y;
}

// "rcp.approx.ftz"
inline float reciprocal_approx(float x) { return 1.0f / x; }

// "mul", half precision
inline std::uint32_t multiply_f16x2(std::uint32_t a, std::uint32_t b) {
  const auto product = [](std::uint16_t x, std::uint16_t y) {
    const __half of =
        __float2half_rn(emulated::element_to_float<__half>(x) * emulated::element_to_float<__half>(y));
    return std::uint32_t{reinterpret_cast<const std::uint16_t&>(of)};
  };
  return product(emulated::low_half(a), emulated::low_half(b)) |
         product(emulated::high_half(a), emulated::high_half(b)) << 16;
}

// "prmt"
inline std::uint32_t permute_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  const std::uint64_t source = std::uint64_t{high} << 32 | low;
  std::uint32_t bytes = 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t digit = selector >> 4 * i & 7;
    bytes |= static_cast<std::uint32_t>(source >> 8 * digit & 0xFF) << 8 * i;
  }
  return bytes;
}

// "bar, barrier"
inline void named_barrier_sync(int id, int threads) { emulated::named_barrier_sync(id, threads); }
inline void named_barrier_arrive(int id, int threads) { emulated::named_barrier_arrive(id, threads); }

}  // namespace flashcore::kernels::ptx
