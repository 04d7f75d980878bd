// What the kernels of the CUDA reference share: chunks of its score matrix, its roundings, and a score by its definition.
#pragma once

#include "attention/args.hpp"
#include "kernels/reference/e4m3_weight.hpp"
#include "kernels/reference/elements.cuh"

namespace flashcore::kernels {

// The heads and query rows whose scores are in memory: scores [heads, rows, seq_kv].
struct Chunk {
  std::int64_t head_begin;  // flat index over [batch, heads_q]
  std::int64_t heads;
  std::int32_t row_begin;
  std::int32_t rows;
};

struct HeadIndex {
  std::int64_t batch, head, head_kv;
};

__device__ inline HeadIndex head_index(const AttentionArgs& args, std::int64_t flat) {
  const std::int64_t head = flat % args.heads_q;
  return {flat / args.heads_q, head, args.kv_head(head)};
}

// The roundings of the unfused attention; the reference has none. A probability is weight / sum, and the largest
// weight of a row is 1.
struct Exact {
  __device__ static float score(float x) { return x; }
  __device__ static float probability(float weight, float sum) { return weight / sum; }
  __device__ static float output(float x) { return x; }
};

template <class T>
struct RoundedTo {
  __device__ static float rounded(float x) { return to_float(from_float<T>(x)); }
  __device__ static float score(float x) { return rounded(x); }
  __device__ static float probability(float weight, float sum) { return rounded(weight / sum); }
  __device__ static float output(float x) { return rounded(x); }
};

template <class Out>
struct RoundedToE4m3 {
  __device__ static float score(float x) { return x; }
  __device__ static float probability(float weight, float sum) { return e4m3_probability(weight, sum); }
  __device__ static float output(float x) { return RoundedTo<Out>::output(x); }
};

// What the score matrix holds for a query and a key.
template <class Rounding>
__device__ float score_of(const AttentionArgs& args, std::int64_t batch, int row, int key, float dot) {
  const KeyRange keys = args.visible_keys(batch, row);
  if (key < keys.begin || key >= keys.end) return -INFINITY;
  const float score = Rounding::score(args.scale * dot);
  return args.softcap > 0 ? Rounding::score(args.softcap * tanhf(score / args.softcap)) : score;
}

}  // namespace flashcore::kernels
