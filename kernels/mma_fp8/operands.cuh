// e4m3 in the mma pipeline: factors of the head, probabilities of one byte, Vᵀ.
#pragma once

#include "kernels/blocks/e4m3_factors.cuh"
#include "kernels/mma/operands.cuh"
#include "kernels/ptx/sm89.cuh"

namespace flashcore::kernels {

struct MmaFp8Params : MmaParams, E4m3Params {
  MmaFp8Params() = default;
  explicit MmaFp8Params(const AttentionArgs& args) : MmaParams(args), E4m3Params(args) {}
};

template <>
struct MmaOperands<Dtype::e4m3> : E4m3Factors {
  using Params = MmaFp8Params;
  using T = unsigned char;  // of Q, K and V, which are only moved and multiplied
  using Kv = T;             // of K and V

  // No slack: larger exponentials would saturate, and a lower peak would make small probabilities subnormal.
  static constexpr float kLog2Limit = kLog2Peak;

  __device__ __forceinline__ MmaOperands(const Params& params, int batch, int head_kv) {
    load(params, batch, head_kv);
  }

  // Behind a soft cap, scores have no factors.
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

  // On sm_90 ptxas unpacks both operands to fp16. If it moves the loads up and unpacks there, the operands
  // take more registers than a thread has: the barrier, which protects no data, keeps the loads in place.
  __device__ __forceinline__ static void keep_loads_behind() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
    __syncwarp();
#endif
  }
};

}  // namespace flashcore::kernels
