// Scores, in base 2: a score is kept as score · log2(e), so that softmax is one exp2 away.
#pragma once

#include <cuda_runtime.h>

#include "kernels/common/base2.hpp"
#include "kernels/common/gpu.hpp"
#include "kernels/common/kernel_args.hpp"
#include "kernels/common/numeric.cuh"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

// The maximum of a row that has seen no key, in base-2 scores: finite, so that no subtraction makes a NaN,
// and below any score.
inline constexpr float kNoScore = -1e30f;

// The score of a raw dot product q·k, times log2(e).
__device__ inline float log2_score(const KernelArgs& args, float dot) {
  const float score = args.scale * dot;
  const float capped = args.softcap > 0 ? args.softcap * tanhf(score / args.softcap) : score;
  return capped * kLog2E;
}

// The maximum to subtract: rows that have seen no key yet keep -inf as their maximum, and -inf minus -inf is
// NaN.
__device__ inline float finite_max(float row_max) { return row_max == -INFINITY ? 0.0f : row_max; }

// log-sum-exp in base e from a base-2 maximum and the sum of exp2(score - maximum); -inf when no key was
// seen, NaN when the sum is.
__device__ inline float log_sum_exp(float row_max, float row_sum) {
  return row_sum == 0 ? -INFINITY : row_max * kLn2 + logf(row_sum);
}

// The same as one sum in base 2, which rounds differently.
__device__ __forceinline__ float log_sum_exp_by_log2(float row_max, float row_sum) {
  return row_sum == 0 ? -INFINITY : (row_max + log2f(row_sum)) * kLn2;
}

// The factor that turns a row of sums of P·V into a row of O; 0 for a row that saw no key.
__device__ __forceinline__ float normaliser_of(float row_sum, float factor = 1.0f) {
  return row_sum > 0 ? factor / row_sum : 0.0f;
}

// tanh(x) = 1 − 2 / (1 + e^2x): absolute error about 2^-22, exact at ±inf.
__device__ __forceinline__ float tanh_approx(float x) {
  return 1.0f - __fdividef(2.0f, ptx::exp2_approx(2.0f * kLog2E * x) + 1.0f);
}

// Reduces over groups of kLanes neighbouring lanes; every lane gets the result.
template <int kLanes>
__device__ float lanes_sum(float x) {
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(kAllLanes, x, distance);
  return x;
}

template <int kLanes>
__device__ float lanes_max(float x) {
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, distance));
  }
  return x;
}

}  // namespace flashcore::kernels
