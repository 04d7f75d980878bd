// The FP32 reference and the unfused attention: attention by its definition, with the whole score matrix in memory.
//
// Three plain kernels, one per formula: S = mask(softcap(scale · Q·Kᵀ)), P = softmax(S), O = P·V. They share
// only the mask's definition with the fused kernels that they check. Elements of scaled dtypes are multiplied
// by their descale factors when they are read. Memory holds the scores of as many heads as fit
// kChunkElements.
#include <cuda_runtime.h>

#include <algorithm>
#include <type_traits>

#include "kernels/common/indexing.hpp"
#include "kernels/reference/cuda_reference.hpp"
#include "kernels/reference/elements.cuh"
#include "kernels/reference/launch.cuh"
#include "kernels/reference/reference_parts.cuh"
#include "kernels/reference/thin_reference.cuh"

namespace flashcore::kernels {
namespace {

constexpr std::int64_t kChunkElements = std::int64_t{1} << 26;  // scores in memory at a time: 256 MiB
constexpr int kTile = 64;                                       // rows and columns of an output tile
constexpr int kDepth = 16;  // of the two operands in shared memory at a time
constexpr int kMicro = 4;   // rows and columns of a thread's share
constexpr int kThreads = (kTile / kMicro) * (kTile / kMicro);
constexpr int kScoreBlocks = 4;  // per multiprocessor, at least: with five ptxas spills in e4m3

// One [kTile, kTile] tile of A·B over depth [depth_begin, depth_end), in FP32. a(row, depth) and b(depth,
// column) give zero outside of their matrix; store(row, column, value) is called for each element of the
// tile.
template <class A, class B, class Store>
__device__ void multiply_tile(int row_begin, int column_begin, int depth_begin, int depth_end, A a, B b,
                              Store store) {
  __shared__ float a_smem[kDepth][kTile + 1];
  __shared__ float b_smem[kDepth][kTile + 1];
  const int thread_row = static_cast<int>(threadIdx.x) / (kTile / kMicro) * kMicro;
  const int thread_column = static_cast<int>(threadIdx.x) % (kTile / kMicro) * kMicro;
  float sum[kMicro][kMicro] = {};
  for (int depth = depth_begin; depth < depth_end; depth += kDepth) {
    for (int i = threadIdx.x; i < kDepth * kTile; i += kThreads) {
      a_smem[i % kDepth][i / kDepth] =
          depth + i % kDepth < depth_end ? a(row_begin + i / kDepth, depth + i % kDepth) : 0;
      b_smem[i / kTile][i % kTile] =
          depth + i / kTile < depth_end ? b(depth + i / kTile, column_begin + i % kTile) : 0;
    }
    __syncthreads();  // protects the operands: complete before they are read
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
#pragma unroll
      for (int i = 0; i < kMicro; ++i) {
#pragma unroll
        for (int j = 0; j < kMicro; ++j)
          sum[i][j] += a_smem[d][thread_row + i] * b_smem[d][thread_column + j];
      }
    }
    __syncthreads();  // protects the operands: read before they are overwritten
  }
  for (int i = 0; i < kMicro; ++i) {
    for (int j = 0; j < kMicro; ++j)
      store(row_begin + thread_row + i, column_begin + thread_column + j, sum[i][j]);
  }
}

// Keys that some row of the tile from `row` on sees.
__device__ KeyRange keys_of_tile(const AttentionArgs& args, int row) {
  const int last_row = min(row + kTile, args.sequences.seq_q) - 1;
  return args.mask.keys_of_any(row, last_row, args.sequences.seq_q, args.sequences.seq_kv);
}

// scores [heads, rows, seq_kv]; grid: (key tiles, row tiles, heads)
template <class T, class Kv, class Rounding>
__global__ void __launch_bounds__(kThreads, kScoreBlocks)
    scores_kernel(AttentionArgs args, Chunk chunk, float* scores) {
  const HeadIndex head = head_index(args, chunk.head_begin + blockIdx.z);
  const T* q = head_pointer(static_cast<const T*>(args.q), args.q_stride, head.batch, head.head);
  const Kv* k = head_pointer(static_cast<const Kv*>(args.k), args.kv.k, head.batch, head.head_kv);
  const float q_factor = descale_of(args.q_descale, args, head.batch, head.head_kv);
  const float k_factor = descale_of(args.k_descale, args, head.batch, head.head_kv);
  const int row_begin = chunk.row_begin + static_cast<int>(blockIdx.y) * kTile;
  const int row_end = chunk.row_begin + chunk.rows;
  const int key_begin = static_cast<int>(blockIdx.x) * kTile;
  float* head_scores = scores + std::int64_t{blockIdx.z} * chunk.rows * args.sequences.seq_kv;

  const KeyRange seen = keys_of_tile(args, row_begin);
  const bool all_masked = key_begin >= seen.end || key_begin + kTile <= seen.begin;
  const auto store = [&](int row, int key, float dot) {
    if (row >= row_end || key >= args.sequences.seq_kv) return;
    head_scores[std::int64_t{row - chunk.row_begin} * args.sequences.seq_kv + key] =
        score_of<Rounding>(args, head.batch, row, key, dot);
  };
  multiply_tile(
      row_begin, key_begin, 0, all_masked ? 0 : args.head_dim,
      [&](int row, int d) {
        return row < row_end ? q_factor * to_float(q[row * args.q_stride.row + d]) : 0.0f;
      },
      [&](int d, int key) {
        return key < args.sequences.seq_kv ? k_factor * to_float(k[key * args.kv.k.row + d]) : 0.0f;
      },
      store);
}

// Reduces over the kThreads threads of a block; every thread gets the result.
template <class Combine>
__device__ float reduce_block(float value, Combine combine) {
  __shared__ float values[kThreads];
  values[threadIdx.x] = value;
  __syncthreads();  // protects values: all are written before they are read
  for (int distance = kThreads / 2; distance > 0; distance /= 2) {
    if (static_cast<int>(threadIdx.x) < distance)
      values[threadIdx.x] = combine(values[threadIdx.x], values[threadIdx.x + distance]);
    __syncthreads();  // protects values: this level of the tree is complete
  }
  const float result = values[0];
  __syncthreads();  // protects the result: all have read it before the next reduction overwrites it
  return result;
}

// Scores to probabilities, in place; grid: (rows, heads)
template <class Rounding>
__global__ void __launch_bounds__(kThreads)
    softmax_kernel(AttentionArgs args, Chunk chunk, float* scores, float* lse) {
  float* row_scores = scores + (std::int64_t{blockIdx.y} * chunk.rows + blockIdx.x) * args.sequences.seq_kv;
  const std::int64_t head = chunk.head_begin + blockIdx.y;
  const float sink = args.sinks == nullptr ? -INFINITY : args.sinks[head % args.heads_q];
  float row_max = sink;
  for (int key = threadIdx.x; key < args.sequences.seq_kv; key += kThreads)
    row_max = fmaxf(row_max, row_scores[key]);
  row_max = reduce_block(row_max, [](float a, float b) { return fmaxf(a, b); });
  const float subtract = row_max == -INFINITY ? 0.0f : row_max;
  float sum = 0;
  for (int key = threadIdx.x; key < args.sequences.seq_kv; key += kThreads)
    sum += expf(row_scores[key] - subtract);
  sum = reduce_block(sum, [](float a, float b) { return a + b; }) + expf(sink - subtract);
  for (int key = threadIdx.x; key < args.sequences.seq_kv; key += kThreads) {
    row_scores[key] = sum == 0 ? 0.0f : Rounding::probability(expf(row_scores[key] - subtract), sum);
  }
  if (lse != nullptr && threadIdx.x == 0) {
    lse[head * args.sequences.seq_q + chunk.row_begin + blockIdx.x] =
        sum == 0 ? -INFINITY : row_max + logf(sum);
  }
}

// out [batch, heads_q, seq_q, head_dim_v] = probabilities · V; grid: (head_dim_v tiles, row tiles, heads)
template <class Kv, class Rounding>
__global__ void __launch_bounds__(kThreads)
    output_kernel(AttentionArgs args, Chunk chunk, const float* probabilities, float* out) {
  const std::int64_t flat_head = chunk.head_begin + blockIdx.z;
  const HeadIndex head = head_index(args, flat_head);
  const Kv* v = head_pointer(static_cast<const Kv*>(args.v), args.kv.v, head.batch, head.head_kv);
  const float v_factor = descale_of(args.v_descale, args, head.batch, head.head_kv);
  const float* head_p = probabilities + std::int64_t{blockIdx.z} * chunk.rows * args.sequences.seq_kv;
  const int row_begin = chunk.row_begin + static_cast<int>(blockIdx.y) * kTile;
  const int row_end = chunk.row_begin + chunk.rows;
  const KeyRange seen = keys_of_tile(args, row_begin);
  multiply_tile(
      row_begin, static_cast<int>(blockIdx.x) * kTile, seen.begin, seen.end,
      [&](int row, int key) {
        return row < row_end ? head_p[std::int64_t{row - chunk.row_begin} * args.sequences.seq_kv + key]
                             : 0.0f;
      },
      [&](int key, int d) {
        return d < args.head_dim_v ? v_factor * to_float(v[key * args.kv.v.row + d]) : 0.0f;
      },
      [&](int row, int d, float value) {
        if (row >= row_end || d >= args.head_dim_v) return;
        out[(flat_head * args.sequences.seq_q + row) * args.head_dim_v + d] = Rounding::output(value);
      });
}

constexpr unsigned tiles(std::int64_t count) { return static_cast<unsigned>(ceil_div(count, kTile)); }

template <class T, class Kv, class Rounding>
cudaError_t run_chunk(const AttentionArgs& args, const Chunk& chunk, float* out, float* lse, float* scores,
                      cudaStream_t stream) {
  const auto heads = static_cast<unsigned>(chunk.heads);
  const auto rows = static_cast<unsigned>(chunk.rows);
  const bool is_thin = chunk.rows <= kThinRows;
  cudaError_t error =
      is_thin ? launch_thin_scores<T, Kv, Rounding>(args, chunk, scores, stream)
              : launch(scores_kernel<T, Kv, Rounding>, dim3(tiles(args.sequences.seq_kv), tiles(rows), heads),
                       kThreads, stream, args, chunk, scores);
  if (error == cudaSuccess) {
    error = launch(softmax_kernel<Rounding>, dim3(rows, heads), kThreads, stream, args, chunk, scores, lse);
  }
  if (error != cudaSuccess) return error;
  return is_thin ? launch_thin_output<Kv, Rounding>(args, chunk, scores, out, stream)
                 : launch(output_kernel<Kv, Rounding>, dim3(tiles(args.head_dim_v), tiles(rows), heads),
                          kThreads, stream, args, chunk, scores, out);
}

// Heads and rows of a chunk: at least one tile of rows of one head, and within the grid's limits.
Chunk largest_chunk(const AttentionArgs& args) {
  constexpr std::int64_t kMaxGridYZ = 65535;
  const std::int64_t rows_that_fit = std::max<std::int64_t>(kTile, kChunkElements / args.sequences.seq_kv);
  const std::int64_t rows = std::min({std::int64_t{args.sequences.seq_q}, rows_that_fit, kMaxGridYZ * kTile});
  const std::int64_t heads = std::max<std::int64_t>(1, kChunkElements / (rows * args.sequences.seq_kv));
  const std::int64_t all_heads = std::int64_t{args.sequences.batch} * args.heads_q;
  return {0, std::min({heads, all_heads, kMaxGridYZ}), 0, static_cast<std::int32_t>(rows)};
}

template <class T, class Kv, class Rounding>
cudaError_t run_all(const AttentionArgs& args, float* out, float* lse, float* scores, cudaStream_t stream) {
  const Chunk largest = largest_chunk(args);
  const std::int64_t all_heads = std::int64_t{args.sequences.batch} * args.heads_q;
  for (std::int64_t head = 0; head < all_heads; head += largest.heads) {
    for (std::int64_t row = 0; row < args.sequences.seq_q; row += largest.rows) {
      const Chunk chunk{
          head, std::min(largest.heads, all_heads - head), static_cast<std::int32_t>(row),
          static_cast<std::int32_t>(std::min<std::int64_t>(largest.rows, args.sequences.seq_q - row))};
      const cudaError_t error = run_chunk<T, Kv, Rounding>(args, chunk, out, lse, scores, stream);
      if (error != cudaSuccess) return error;
    }
  }
  return cudaSuccess;
}

}  // namespace

std::size_t cuda_reference_scratch_bytes(const AttentionArgs& args) {
  const Chunk chunk = largest_chunk(args);
  return sizeof(float) * static_cast<std::size_t>(chunk.heads * chunk.rows * args.sequences.seq_kv);
}

int cuda_reference_attention(const AttentionArgs& args, Dtype dtype, Precision precision, float* out,
                             float* lse, void* scratch, void* stream) {
  const auto run = [&]<class T, class Rounding>(T, Rounding) {
    return visit_kv_element<T>(args.kv_dtype, [&]<class Kv>(Kv) {
      return run_all<T, Kv, Rounding>(args, out, lse, static_cast<float*>(scratch),
                                      static_cast<cudaStream_t>(stream));
    });
  };
  return visit_element(dtype, [&]<class T>(T element) {
    if (precision == Precision::reference) return run(element, Exact{});
    if constexpr (std::is_same_v<T, E4m3>) {
      return visit_output_element(args.out_dtype,
                                  [&]<class Out>(Out) { return run(element, RoundedToE4m3<Out>{}); });
    } else {
      return run(element, RoundedTo<T>{});
    }
  });
}

}  // namespace flashcore::kernels
