// How a consumer sums P·V of a block of keys: into O, or where products are summed with few bits, apart from O and then
// added to it in FP32.
#pragma once

#include <type_traits>

#include "kernels/wgmma/operands.cuh"

namespace flashcore::kernels {

// Of one group of columns of O; nothing where sums are not apart.
struct NoSums {};
template <class L>
using ApartSums = std::conditional_t<L::kSumsApart, float[L::kApartColumns / 2], NoSums>;

// P·V of the stage at v_smem, one group of products.
template <class Operands, class L>
__device__ __forceinline__ void issue_sums(L, float (&o_acc)[L::kHeadDim / 2], ApartSums<L>& sums,
                                           const ProbabilityFragment<L>& p_frag, std::uint32_t v_smem,
                                           int group = 0) {
  if constexpr (L::kSumsApart) {
    ptx::pin_registers(sums);
    ptx::wgmma_fence();
    Operands::multiply_values(sums, p_frag, v_smem + group * L::kApartColumns * kPanelRowBytes);
  } else {
    ptx::pin_registers(o_acc);
    ptx::wgmma_fence();
    Operands::multiply_values(o_acc, p_frag, v_smem);
  }
  ptx::wgmma_commit();
}

// After the wait for the group.
template <class L>
__device__ __forceinline__ void add_sums(L, float (&o_acc)[L::kHeadDim / 2], ApartSums<L>& sums,
                                         int group = 0) {
  if constexpr (L::kSumsApart) {
    ptx::pin_registers(sums);
#pragma unroll
    for (int i = 0; i < L::kApartColumns / 2; ++i) o_acc[group * L::kApartColumns / 2 + i] += sums[i];
  } else {
    ptx::pin_registers(o_acc);
  }
}

}  // namespace flashcore::kernels
