// The differences between element types in a consumer. Here fp16 and bf16: V lies as it was copied, and
// exponentials are probabilities except for the division by their sum.
#pragma once

#include "kernels/blocks/block_position.cuh"
#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm90a.cuh"
#include "kernels/wgmma/params.cuh"

namespace flashcore::kernels {

// The A operand of P·V: [64, block_kv] probabilities, four registers per product.
template <class L>
using ProbabilityFragment = std::uint32_t[L::kBlockKv / L::kStep][4];

template <class L>
struct HalfOperands {
  using Params = WgmmaParams;
  using T = Element<L::spec.dtype>;
  static constexpr float kLog2Peak = 0;  // log2 of the exponential of a row's maximum
  // Exponentials of up to 2^8 lose no precision, not even in fp16, and sums in FP32 have room for them.
  static constexpr float kLog2Slack = 8;

  // Called when the tile's Q has arrived, and with it all writes of previous grids.
  __device__ __forceinline__ void enter(const Params&, const BlockPosition&) {}

  __device__ __forceinline__ float log2_scale(const Params& params) const { return params.log2_scale; }
  __device__ __forceinline__ float softcap_scale(const Params& params) const { return params.softcap_scale; }
  // The factor that turns o_acc into O.
  __device__ __forceinline__ float normaliser(float row_sum) const {
    return row_sum > 0 ? ptx::reciprocal_approx(row_sum) : 0.0f;
  }

  // Calls use(T{}) with O's element type.
  template <class Use>
  __device__ __forceinline__ static void visit_output_type(const Params&, Use&& use) {
    use(T{});
  }

  __device__ __forceinline__ static void pack_probabilities(ProbabilityFragment<L>& p_frag,
                                                            const float (&s_acc)[L::kBlockKv / 2]) {
#pragma unroll
    for (int step = 0; step < L::kBlockKv / L::kStep; ++step) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        p_frag[step][i] = pack<T>(s_acc[8 * step + 2 * i], s_acc[8 * step + 2 * i + 1]);
      }
    }
  }

  // o_acc += P · V of the stage at v_smem.
  __device__ __forceinline__ static void multiply_values(float (&o_acc)[L::kHeadDim / 2],
                                                         const ProbabilityFragment<L>& p_frag,
                                                         std::uint32_t v_smem) {
    const std::uint64_t v = mn_major_descriptor(v_smem, L::panel_bytes(Operand::v));
#pragma unroll
    for (int step = 0; step < L::kBlockKv / L::kStep; ++step) {
      ptx::wgmma<L::spec.dtype>(o_acc, p_frag[step], advance(v, step * mn_major_step_bytes()));
    }
  }
};

}  // namespace flashcore::kernels
