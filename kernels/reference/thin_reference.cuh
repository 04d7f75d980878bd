// The CUDA reference of a few rows: the same formulas as in cuda_reference.cu, whose tiles would be empty for the most
// part. Single rows of long sequences are the reference of timed samples.
#pragma once

#include <cuda_runtime.h>

#include "kernels/common/indexing.hpp"
#include "kernels/reference/launch.cuh"
#include "kernels/reference/reference_parts.cuh"

namespace flashcore::kernels {

inline constexpr int kThinRows = 4;       // chunks of no more rows than this take these kernels
inline constexpr int kThinThreads = 256;  // keys of a block
inline constexpr int kThinColumns = 32;   // of O in a block
inline constexpr int kThinLanes = 32;     // threads of a block that share the keys of a column

// scores [heads, rows, seq_kv]; grid: (keys / kThinThreads, rows, heads)
template <class T, class Kv, class Rounding>
__global__ void __launch_bounds__(kThinThreads)
    thin_scores_kernel(AttentionArgs args, Chunk chunk, float* scores) {
  const HeadIndex head = head_index(args, chunk.head_begin + blockIdx.z);
  const int row = chunk.row_begin + static_cast<int>(blockIdx.y);
  const int key = static_cast<int>(blockIdx.x * kThinThreads + threadIdx.x);
  if (key >= args.sequences.seq_kv) return;
  const T* q = head_pointer(static_cast<const T*>(args.q), args.q_stride, head.batch, head.head) +
               row * args.q_stride.row;
  const Kv* k =
      head_pointer(static_cast<const Kv*>(args.k), args.kv.k, head.batch, head.head_kv) + key * args.kv.k.row;
  const float q_factor = descale_of(args.q_descale, args, head.batch, head.head_kv);
  const float k_factor = descale_of(args.k_descale, args, head.batch, head.head_kv);
  float dot = 0;
  for (int d = 0; d < args.head_dim; ++d) dot += q_factor * to_float(q[d]) * (k_factor * to_float(k[d]));
  scores[(std::int64_t{blockIdx.z} * chunk.rows + blockIdx.y) * args.sequences.seq_kv + key] =
      score_of<Rounding>(args, head.batch, row, key, dot);
}

// out [batch, heads_q, seq_q, head_dim_v] = probabilities · V; grid: (head_dim_v / kThinColumns, rows, heads)
template <class Kv, class Rounding>
__global__ void __launch_bounds__(kThinColumns* kThinLanes)
    thin_output_kernel(AttentionArgs args, Chunk chunk, const float* probabilities, float* out) {
  __shared__ float sums[kThinLanes][kThinColumns];
  const std::int64_t flat_head = chunk.head_begin + blockIdx.z;
  const HeadIndex head = head_index(args, flat_head);
  const Kv* v = head_pointer(static_cast<const Kv*>(args.v), args.kv.v, head.batch, head.head_kv);
  const float v_factor = descale_of(args.v_descale, args, head.batch, head.head_kv);
  const float* p =
      probabilities + (std::int64_t{blockIdx.z} * chunk.rows + blockIdx.y) * args.sequences.seq_kv;
  const int row = chunk.row_begin + static_cast<int>(blockIdx.y);
  const int column = static_cast<int>(threadIdx.x) % kThinColumns;
  const int lane = static_cast<int>(threadIdx.x) / kThinColumns;
  const int d = static_cast<int>(blockIdx.x) * kThinColumns + column;
  const KeyRange keys = args.visible_keys(head.batch, row);
  float sum = 0;
  if (d < args.head_dim_v) {
#pragma unroll 4
    for (int key = keys.begin + lane; key < keys.end; key += kThinLanes)
      sum += p[key] * (v_factor * to_float(v[key * args.kv.v.row + d]));
  }
  sums[lane][column] = sum;
  __syncthreads();  // protects sums: all are written before they are read
  for (int distance = kThinLanes / 2; distance > 0; distance /= 2) {
    if (lane < distance) sums[lane][column] += sums[lane + distance][column];
    __syncthreads();  // protects sums: this level of the tree is complete
  }
  if (lane == 0 && d < args.head_dim_v) {
    out[(flat_head * args.sequences.seq_q + row) * args.head_dim_v + d] = Rounding::output(sums[0][column]);
  }
}

template <class T, class Kv, class Rounding>
cudaError_t launch_thin_scores(const AttentionArgs& args, const Chunk& chunk, float* scores,
                               cudaStream_t stream) {
  const auto keys = static_cast<unsigned>(ceil_div(args.sequences.seq_kv, kThinThreads));
  const dim3 grid(keys, static_cast<unsigned>(chunk.rows), static_cast<unsigned>(chunk.heads));
  return launch(thin_scores_kernel<T, Kv, Rounding>, grid, kThinThreads, stream, args, chunk, scores);
}

template <class Kv, class Rounding>
cudaError_t launch_thin_output(const AttentionArgs& args, const Chunk& chunk, const float* probabilities,
                               float* out, cudaStream_t stream) {
  const auto columns = static_cast<unsigned>(ceil_div(args.head_dim_v, kThinColumns));
  const dim3 grid(columns, static_cast<unsigned>(chunk.rows), static_cast<unsigned>(chunk.heads));
  return launch(thin_output_kernel<Kv, Rounding>, grid, kThinColumns * kThinLanes, stream, args, chunk,
                probabilities, out);
}

}  // namespace flashcore::kernels
