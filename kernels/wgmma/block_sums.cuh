// How a consumer sums P·V of a block of keys: into O, or where products are summed with few bits, apart from O and then
// added to it in FP32.
#pragma once

#include "kernels/wgmma/operands.cuh"

namespace flashcore::kernels {

// issue() is one group of products; add() comes after the wait for it.
template <class L, class Operands, bool kApart = L::kSumsApart>
struct BlockSums {
  __device__ __forceinline__ void issue(float (&o_acc)[L::kHeadDim / 2], const ProbabilityFragment<L>& p_frag,
                                        std::uint32_t v_smem, int /*group*/ = 0) {
    ptx::pin_registers(o_acc);
    ptx::wgmma_fence();
    Operands::multiply_values(o_acc, p_frag, v_smem);
    ptx::wgmma_commit();
  }
  __device__ __forceinline__ void add(float (&o_acc)[L::kHeadDim / 2], int /*group*/ = 0) {
    ptx::pin_registers(o_acc);
  }
};

// Group `group` of columns of O.
template <class L, class Operands>
struct BlockSums<L, Operands, true> {
  float sums[L::kApartColumns / 2];

  __device__ __forceinline__ void issue(float (&)[L::kHeadDim / 2], const ProbabilityFragment<L>& p_frag,
                                        std::uint32_t v_smem, int group = 0) {
    ptx::pin_registers(sums);
    ptx::wgmma_fence();
    Operands::multiply_values(sums, p_frag, v_smem + group * L::kApartColumns * kPanelRowBytes);
    ptx::wgmma_commit();
  }
  __device__ __forceinline__ void add(float (&o_acc)[L::kHeadDim / 2], int group = 0) {
    ptx::pin_registers(sums);
#pragma unroll
    for (int i = 0; i < L::kApartColumns / 2; ++i) o_acc[group * L::kApartColumns / 2 + i] += sums[i];
  }
};

}  // namespace flashcore::kernels
