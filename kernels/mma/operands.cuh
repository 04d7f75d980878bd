// The differences between element types in the mma families. Here fp16 and bf16: elements are multiplied as
// they lie in memory, and exponentials are probabilities except for the division by their sum.
#pragma once

#include "kernels/blocks/softmax.cuh"
#include "kernels/mma/config.cuh"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

template <Dtype kDtype>
struct MmaOperands {
  using Params = MmaParams;
  using T = Element<kDtype>;  // of Q, K, V and O
  using Kv = T;               // of K and V

  // log2 of the exponential of a new maximum, and of the largest exponential allowed before the maximum is
  // raised. P stays below 2^8, far from overflow in both dtypes, and nearly all steps skip the rescaling.
  static constexpr float kLog2Peak = 0;
  static constexpr float kLog2Limit = 8;

  // For the tile's KV head. Reads memory that previous grids may have written.
  __device__ __forceinline__ MmaOperands(const Params&, int /*batch*/, int /*head_kv*/) {}

  // From a raw score, or the tanh of a capped one, to base 2.
  __device__ __forceinline__ float score_scale(const Params& params) const { return params.score_scale; }
  // From a raw score to the argument of tanh.
  __device__ __forceinline__ float softcap_scale(const Params& params) const {
    return params.args.scale / params.args.softcap;
  }
  // The factor that turns a row of sums of P·V into a row of O.
  __device__ __forceinline__ float normaliser(float row_sum) const { return normaliser_of(row_sum); }

  __device__ __forceinline__ static std::uint32_t pack_probabilities(const float (&p)[2]) {
    return pack<T>(p[0], p[1]);
  }
  __device__ __forceinline__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                                  std::uint32_t b0, std::uint32_t b1) {
    ptx::mma_m16n8k16<T>(d, a, b0, b1);
  }

  // Called before the loads of a product: may keep the compiler from moving them up any further.
  __device__ __forceinline__ static void keep_loads_behind() {}

  // Calls use(T{}) with O's element type.
  template <class Use>
  __device__ __forceinline__ static void visit_output_type(const Params&, Use&& use) {
    use(T{});
  }
};

}  // namespace flashcore::kernels
