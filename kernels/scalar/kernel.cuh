// scalar: the baseline rung. FP32 FMA, no tensor cores, no shared memory.
//
// Idea: one warp owns one query row. Its lanes split head_dim, so that a row of K or V is one coalesced load;
// a dot product is one partial FMA chain per lane and a warp reduction. Softmax is online (Milakov &
// Gimelshein 2018; FlashAttention, section 3.1): a running maximum and sum, the output rescaled when the
// maximum grows. A step takes block_kv keys, so that their loads and reductions overlap.
//
// Tile: block_q rows per block, one per warp (num_warps = block_q); block_kv keys per step; num_stages has no
// meaning (1).
//
// Limit: five shuffles per key, and every warp reads every row of K and V from L1 or L2. Instruction issue
// binds, not the FMA pipe.
#pragma once

#include "kernels/blocks/block_position.cuh"
#include "kernels/blocks/softmax.cuh"
#include "kernels/common/cuda_variant.cuh"
#include "kernels/common/numeric.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct ScalarKernel {
  static constexpr VariantSpec spec = S;
  static constexpr const char* kFamily = "scalar";
  static constexpr const char* kSummary = "one warp per query row, FP32 FMA, no tensor cores";
  static constexpr int kMinComputeCapability = 80;
  static constexpr int kKeys = S.tile.block_kv;
  static constexpr int kPairs = S.head_dim / (2 * kWarpSize);  // element pairs per lane

  using T = Element<S.dtype>;

  static constexpr const char* invalid() {
    if (S.head_dim % (2 * kWarpSize) != 0) return "head_dim must be a multiple of 64";
    if (S.tile.block_q != S.tile.num_warps)
      return "one warp owns one query row: block_q must equal num_warps";
    if (kKeys < 1 || kKeys > 32) return "block_kv must be from 1 to 32";
    return nullptr;
  }
  static constexpr int smem_bytes() { return 0; }
  static std::int64_t grid_blocks(const KernelArgs& args) { return tiled_grid_blocks(args, S.tile.block_q); }
  static const char* unsupported(const KernelArgs& args) { return misaligned(args); }

  struct RowState {
    float row_max = -INFINITY;  // of scores · log2(e)
    float row_sum = 0;
    float2 out[kPairs] = {};
  };

  // This lane's pairs of one row: 2·kPairs neighbouring elements.
  __device__ static void load_pairs(float2 (&pairs)[kPairs], const T* row, int lane) {
    const Pair<T>* source = reinterpret_cast<const Pair<T>*>(row) + lane * kPairs;
#pragma unroll
    for (int i = 0; i < kPairs; ++i) pairs[i] = to_float2(source[i]);
  }

  // Scores of the kKeys keys from `key` on; keys past the end get -inf.
  __device__ static void score_keys(const KernelArgs& args, float (&score)[kKeys], const float2 (&q)[kPairs],
                                    const T* k, int key, int key_end, int lane) {
#pragma unroll
    for (int j = 0; j < kKeys; ++j) {
      float2 k_row[kPairs];
      load_pairs(k_row, k + min(key + j, key_end - 1) * args.k_stride.row, lane);
      float dot = 0;
#pragma unroll
      for (int i = 0; i < kPairs; ++i) dot += q[i].x * k_row[i].x + q[i].y * k_row[i].y;
      dot = lanes_sum<kWarpSize>(dot);
      score[j] = key + j < key_end ? log2_score(args, dot) : -INFINITY;
    }
  }

  __device__ static void accumulate(const KernelArgs& args, RowState& state, const float (&score)[kKeys],
                                    const T* v, int key, int key_end, int lane) {
    float new_max = state.row_max;
#pragma unroll
    for (int j = 0; j < kKeys; ++j) new_max = fmaxf(new_max, score[j]);
    const float subtract = finite_max(new_max);
    const float rescale = exp2f(state.row_max - subtract);
    state.row_max = new_max;
    state.row_sum *= rescale;
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      state.out[i].x *= rescale;
      state.out[i].y *= rescale;
    }
#pragma unroll
    for (int j = 0; j < kKeys; ++j) {
      float2 v_row[kPairs];
      load_pairs(v_row, v + min(key + j, key_end - 1) * args.v_stride.row, lane);
      const float p = exp2f(score[j] - subtract);
      state.row_sum += p;
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        state.out[i].x += p * v_row[i].x;
        state.out[i].y += p * v_row[i].y;
      }
    }
  }

  __device__ static void run(const KernelArgs& args) {
    const int lane = threadIdx.x % kWarpSize;
    const BlockPosition position = block_position(args, S.tile.block_q);
    const int row = position.row_begin + threadIdx.x / kWarpSize;
    if (row >= args.seq_q) return;

    const T* q = head_pointer(static_cast<const T*>(args.q), args.q_stride, position.batch, position.head);
    const T* k = head_pointer(static_cast<const T*>(args.k), args.k_stride, position.batch, position.head_kv);
    const T* v = head_pointer(static_cast<const T*>(args.v), args.v_stride, position.batch, position.head_kv);
    T* out = head_pointer(static_cast<T*>(args.out), args.out_stride, position.batch, position.head);

    float2 q_row[kPairs];
    load_pairs(q_row, q + row * args.q_stride.row, lane);
    RowState state;
    const KeyRange keys = visible_keys(args, row);
    for (int key = keys.begin; key < keys.end; key += kKeys) {
      float score[kKeys];
      score_keys(args, score, q_row, k, key, keys.end, lane);
      accumulate(args, state, score, v, key, keys.end, lane);
    }

    const float normalise = normaliser_of(state.row_sum);
    Pair<T>* out_row = reinterpret_cast<Pair<T>*>(out + row * args.out_stride.row) + lane * kPairs;
#pragma unroll
    for (int i = 0; i < kPairs; ++i) {
      out_row[i] = pair_from_floats<T>(state.out[i].x * normalise, state.out[i].y * normalise);
    }
    if (args.lse != nullptr && lane == 0) {
      args.lse[args.lse_index(position.batch, position.head, row)] =
          log_sum_exp(state.row_max, state.row_sum);
    }
  }
};

}  // namespace flashcore::kernels
