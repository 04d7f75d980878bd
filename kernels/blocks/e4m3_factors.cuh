// Factors and peak of an attention in e4m3, as every family of it takes them.
#pragma once

#include <cstdint>

#include "kernels/common/numeric.cuh"

namespace flashcore::kernels {

struct E4m3Factors {
  // 448, the largest e4m3 value, is what the exponential of a row's maximum becomes: the whole range is used,
  // as the yardstick does, and it costs no more than a power of two. The conversion saturates, so that an
  // exp2 a little above is 448 as well.
  static constexpr float kLog2Peak = 8.8073549f;

  float scores;  // what products of Q and K are to be multiplied with
  float values;  // what those of P and V are

  // Of one KV head; factors that are not given are 1. Reads what grids before have written.
  template <class Params>
  __device__ __forceinline__ void load(const Params& params, int batch, int head_kv) {
    const std::int64_t head = std::int64_t{batch} * params.args.heads_kv + head_kv;
    const auto factor = [&](const float* descale) { return descale == nullptr ? 1.0f : descale[head]; };
    scores = factor(params.q_descale) * factor(params.k_descale);
    values = factor(params.v_descale);
  }

  // What O's sums are to be multiplied with. Exponentials and their sum are too large by the same factor,
  // which the division takes out.
  __device__ __forceinline__ float normaliser(float row_sum) const {
    return row_sum > 0 ? values / row_sum : 0.0f;
  }

  // Calls use(T{}) with O's element type.
  template <class Params, class Use>
  __device__ __forceinline__ static void visit_output_type(const Params& params, Use&& use) {
    if (params.out_dtype == Dtype::fp16) {
      use(Element<Dtype::fp16>{});
    } else {
      use(Element<Dtype::bf16>{});
    }
  }
};

}  // namespace flashcore::kernels
