// e4m3 as a warp of the mma pipeline takes it: factors of the head, probabilities of one byte, Vᵀ.
#pragma once

#include "kernels/blocks/e4m3_factors.cuh"
#include "kernels/mma/operands.cuh"
#include "kernels/ptx/sm89.cuh"

namespace flashcore::kernels {

struct MmaFp8Params : MmaParams {
  const float* q_descale = nullptr;  // [batch, heads_kv], as in AttentionArgs
  const float* k_descale = nullptr;
  const float* v_descale = nullptr;
  Dtype out_dtype = Dtype::fp16;

  MmaFp8Params() = default;
  explicit MmaFp8Params(const AttentionArgs& a)
      : MmaParams(a),
        q_descale(a.q_descale),
        k_descale(a.k_descale),
        v_descale(a.v_descale),
        out_dtype(a.out_dtype) {}
};

template <>
struct MmaOperands<Dtype::e4m3> : E4m3Factors {
  using Params = MmaFp8Params;
  using T = unsigned char;  // of Q, K and V, which are moved and multiplied, never computed with

  // No slack: whatever lies above is lost to saturation, and a lower peak would push small probabilities
  // among the subnormals.
  static constexpr float kLog2Limit = kLog2Peak;

  __device__ __forceinline__ MmaOperands(const Params& params, int batch, int head_kv) {
    load(params, batch, head_kv);
  }

  // A soft cap has scores without factors behind it.
  __device__ __forceinline__ float score_scale(const Params& params) const {
    return params.args.softcap > 0 ? params.score_scale : params.score_scale * scores;
  }
  __device__ __forceinline__ float softcap_scale(const Params& params) const {
    return params.args.scale / params.args.softcap * scores;
  }

  __device__ __forceinline__ static std::uint32_t pack_probabilities(const float (&p)[4]) {
    return ptx::pack_e4m3(p[0], p[1], p[2], p[3]);
  }
  __device__ __forceinline__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                                  std::uint32_t b0, std::uint32_t b1) {
    ptx::mma_m16n8k32_e4m3(d, a, b0, b1);
  }

  // sm_90 has no product of this kind: ptxas unpacks both operands to fp16 and makes two products of these.
  // Loads moved up as far as it likes, and unpacked there, take more registers than there are.
  __device__ __forceinline__ static void keep_loads_behind() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
    __syncwarp();
#endif
  }
};

}  // namespace flashcore::kernels
