// e4m3 in the wgmma pipeline: factors of the head, probabilities of one byte, Vᵀ.
#pragma once

#include "kernels/blocks/e4m3_factors.cuh"
#include "kernels/ptx/sm89.cuh"
#include "kernels/wgmma/operands.cuh"

namespace flashcore::kernels {

struct WgmmaFp8Params : WgmmaParams, E4m3Params {};

template <class L>
struct E4m3Operands : E4m3Factors {
  using Params = WgmmaFp8Params;
  // None: the largest probability is free of rounding only as the exponential of the maximum itself.
  static constexpr float kLog2Slack = 0;

  __device__ __forceinline__ void enter(const Params& params, const BlockPosition& at) {
    load(params, at.batch, at.head_kv);
  }

  // Behind a soft cap, scores have no factors.
  __device__ __forceinline__ float log2_scale(const Params& params) const {
    return params.softcap_scale != 0 ? params.log2_scale : params.log2_scale * scores;
  }
  __device__ __forceinline__ float softcap_scale(const Params& params) const {
    return params.softcap_scale * scores;
  }

  // A thread's scores of 32 keys in the order in which it holds them; value_transpose.cuh gives V the same
  // order.
  __device__ __forceinline__ static void pack_probabilities(ProbabilityFragment<L>& p_frag,
                                                            const float (&s_acc)[L::kBlockKv / 2]) {
#pragma unroll
    for (int step = 0; step < L::kBlockKv / L::kStep; ++step) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float* p = s_acc + 16 * step + i / 2 * 8 + i % 2 * 2;
        p_frag[step][i] = ptx::pack_e4m3(p[0], p[1], p[4], p[5]);
      }
    }
  }

  // sums = P · V of as many columns of O from the row of Vᵀ at v_smem on.
  __device__ __forceinline__ static void multiply_values(float (&sums)[L::kApartColumns / 2],
                                                         const ProbabilityFragment<L>& p_frag,
                                                         std::uint32_t v_smem) {
    const std::uint64_t v = k_major_descriptor(v_smem);
    constexpr int kStepsPerPanel = L::kColumns / L::kStep;
#pragma unroll
    for (int step = 0; step < L::kBlockKv / L::kStep; ++step) {
      const std::uint32_t within = step % kStepsPerPanel * k_major_step_bytes();
      ptx::wgmma<L::spec.dtype>(sums, p_frag[step],
                                advance(v, step / kStepsPerPanel * L::panel_bytes(Operand::v) + within),
                                step > 0);
    }
  }
};

}  // namespace flashcore::kernels
