// The parameters and the arithmetic that all e4m3 families share: descale factors and the peak of P.
#pragma once

#include <cstdint>

#include "attention/args.hpp"
#include "kernels/blocks/softmax.cuh"
#include "kernels/common/indexing.hpp"
#include "kernels/common/numeric.cuh"

namespace flashcore::kernels {

// The part of a kernel's parameters that only scaled dtypes have, as in AttentionArgs.
struct E4m3Params {
  const float* q_descale = nullptr;  // [batch, heads_kv]
  const float* k_descale = nullptr;
  const float* v_descale = nullptr;
  Dtype out_dtype = Dtype::fp16;

  E4m3Params() = default;
  constexpr explicit E4m3Params(const AttentionArgs& args)
      : q_descale(args.q_descale),
        k_descale(args.k_descale),
        v_descale(args.v_descale),
        out_dtype(args.out_dtype) {}
};

struct E4m3Factors {
  // log2(448): the exponential of a row's maximum becomes 448, the largest e4m3 value, so that P uses the
  // whole range, as in the unfused reference. It costs no more than a power of two. The conversion saturates,
  // so that an exp2 a little above 448 becomes 448 as well.
  static constexpr float kLog2Peak = 8.8073549f;

  float scores;  // the factor of products of Q and K
  float values;  // the factor of products of P and V

  // For one KV head; missing factors are 1. Reads memory that previous grids may have written.
  template <class Params>
  __device__ __forceinline__ void load(const Params& params, int batch, int head_kv) {
    const std::int64_t head = kv_head_index(params.args, batch, head_kv);
    scores = descale_of(params.q_descale, head) * descale_of(params.k_descale, head);
    values = descale_of(params.v_descale, head);
  }

  // The factor that turns sums of P·V into O. Exponentials and their sum are too large by the same factor,
  // which the division removes.
  __device__ __forceinline__ float normaliser(float row_sum) const { return normaliser_of(row_sum, values); }

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
