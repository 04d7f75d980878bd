// Online softmax on the accumulator fragment of one consumer warpgroup.
//
// A thread holds two rows of the [64, block_kv] scores: row 16·warp + lane / 4 and the one eight below; of
// each, columns 8·j + 2·(lane % 4) (+ 1). Scores stay as wgmma leaves them; the scale is folded into the
// exponent, exp2(score · log2_scale − row_max · log2_scale): one FMA and one exp2 per element
// (FlashAttention-2, section 3.1).
#pragma once

#include "kernels/blocks/softmax.cuh"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

// Scores of a thread: scores[4 · j + 2 · r + e] is row r, column 8 · j + e of the thread's columns.
template <int kBlockKv>
using ScoreFragment = float[kBlockKv / 2];

// Scores of which hidden(r, column) is true become -inf; `column` counts from the thread's first.
template <int kScores, class Hidden>
__device__ __forceinline__ void hide_scores(float (&scores)[kScores], Hidden&& hidden) {
#pragma unroll
  for (int i = 0; i < kScores; ++i) {
    if (hidden(i / 2 % 2, 8 * (i / 4) + i % 2)) scores[i] = -INFINITY;
  }
}

template <int kScores>
__device__ __forceinline__ void apply_softcap(float (&scores)[kScores], float softcap_scale) {
#pragma unroll
  for (float& score : scores) score = tanh_approx(softcap_scale * score);
}

// The exponential of a row's maximum is 2^Operands::kLog2Peak. The subtracted value may lag behind the
// maximum by kLog2Slack: exponentials are then larger by at most this power of two, and earlier sums need no
// rescaling. After a row's first blocks this is the rule. (Zadouri et al. 2026, "FlashAttention-4", on
// conditional rescaling.)
template <class Operands>
struct OnlineSoftmax {
  float row_max[2];  // the subtracted value
  float row_sum[2];  // of this thread's columns only
  float rescale[2];  // the factor that the last update wants for all earlier sums
  bool rescaling;    // whether any lane needs it

  __device__ __forceinline__ void reset() {
    rescaling = false;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      row_max[r] = -INFINITY;
      row_sum[r] = 0;
      rescale[r] = 1;
    }
  }

  // Replaces scores by their exponentials. kMasked: a row may have seen no key yet.
  template <bool kMasked, int kScores>
  __device__ __forceinline__ void update(float (&scores)[kScores], float log2_scale) {
    bool rises = false;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      // Two chains: a single one would wait for its own latency.
      float maxima[2] = {row_max[r], scores[2 * r]};
#pragma unroll
      for (int j = 0; j < kScores / 4; ++j) {
#pragma unroll
        for (int e = 0; e < 2; ++e) maxima[e] = fmaxf(maxima[e], scores[4 * j + 2 * r + e]);
      }
      const float block_max = lanes_max<4>(fmaxf(maxima[0], maxima[1]));
      // False where both are -inf, whose difference is NaN.
      const bool rise = (block_max - row_max[r]) * log2_scale > Operands::kLog2Slack;
      const float new_max = rise ? block_max : row_max[r];
      rises |= rise;
      const float subtract = kMasked ? finite_max(new_max) : new_max;
      rescale[r] = ptx::exp2_approx((row_max[r] - subtract) * log2_scale);
      row_max[r] = new_max;
      float offset = -subtract * log2_scale;
      if constexpr (Operands::kLog2Peak != 0) offset += Operands::kLog2Peak;
      float sums[2] = {row_sum[r] * rescale[r], 0};
#pragma unroll
      for (int j = 0; j < kScores / 4; ++j) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          float& score = scores[4 * j + 2 * r + e];
          score = ptx::exp2_approx(fmaf(score, log2_scale, offset));
          sums[e] += score;
        }
      }
      row_sum[r] = sums[0] + sums[1];
    }
    rescaling = __any_sync(kAllLanes, rises);
  }

  // The base-2 maximum to which row_sum belongs.
  __device__ __forceinline__ float log2_max(int r, float log2_scale) const {
    return row_max[r] * log2_scale - Operands::kLog2Peak;
  }

  // Sums over the row's four threads; call once, at the end.
  __device__ __forceinline__ void finish() {
#pragma unroll
    for (int r = 0; r < 2; ++r) row_sum[r] = lanes_sum<4>(row_sum[r]);
  }
};

}  // namespace flashcore::kernels
