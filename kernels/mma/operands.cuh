// What the mma families do differently by element type. Here fp16 and bf16: what lies in memory is what is
// multiplied, and exponentials are probabilities but for their sum.
#pragma once

#include "kernels/mma/config.cuh"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

template <Dtype kDtype>
struct MmaOperands {
  using Params = MmaParams;
  using T = Element<kDtype>;  // of Q, K, V and O

  // log2 of the exponential that a new maximum gets, and of the largest one allowed before the maximum is
  // raised. P stays below 2^8, far from overflow in either dtype, and nearly all steps skip the rescaling.
  static constexpr float kLog2Peak = 0;
  static constexpr float kLog2Limit = 8;

  // Of the tile's KV head; reads what grids before have written.
  __device__ __forceinline__ MmaOperands(const Params&, int /*batch*/, int /*head_kv*/) {}

  // From a raw score, or the tanh of a capped one, to base 2.
  __device__ __forceinline__ float score_scale(const Params& params) const { return params.score_scale; }
  // From a raw score to what tanh takes.
  __device__ __forceinline__ float softcap_scale(const Params& params) const {
    return params.args.scale / params.args.softcap;
  }
  // What a row of sums of P·V is to be multiplied with.
  __device__ __forceinline__ float normaliser(float row_sum) const {
    return row_sum > 0 ? 1.0f / row_sum : 0.0f;
  }

  __device__ __forceinline__ static std::uint32_t pack_probabilities(const float (&p)[2]) {
    return pack<T>(p[0], p[1]);
  }
  __device__ __forceinline__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                                  std::uint32_t b0, std::uint32_t b1) {
    ptx::mma_m16n8k16<T>(d, a, b0, b1);
  }

  // Ahead of the loads of some products: the compiler may be kept from moving them up any further.
  __device__ __forceinline__ static void keep_loads_behind() {}

  // Calls use(T{}) with O's element type.
  template <class Use>
  __device__ __forceinline__ static void visit_output_type(const Params&, Use&& use) {
    use(T{});
  }
};

}  // namespace flashcore::kernels
