// K and V in e4m3 under Q in fp16 or bf16: how the products of the mma pipeline take them.
//
// Idea: K and V lie in shared memory as bytes. A warp widens fragments to fp16 in registers, which is exact, and multiplies
// by mma.m16n8k16 in fp16. Nothing is exchanged between lanes:
//   - Q·Kᵀ: a lane gets four neighbouring columns of a key in a register. They are its columns of one product, if Q has
//     its columns in the same order: arrange_query() stores them so, once per tile.
//   - P·V: ldmatrix transposes pairs of columns. A register then has two columns of two keys; one permutation of its bytes
//     puts the keys of a column side by side. One product has the even columns of 16, another the odd ones, so that a lane
//     gets four neighbouring columns of O.
//
// Q in bf16 becomes fp16, each row times a power of two that takes its largest element to [1, 2). An element loses nothing
// down to 2^-17 of the largest, and no more than 2^-25 of the largest below that. The factor of K and the row's power of two
// go into the scale of the scores, the factor of V into O.
#pragma once

#include <algorithm>
#include <bit>

#include "kernels/blocks/e4m3_to_fp16.cuh"
#include "kernels/blocks/softmax.cuh"
#include "kernels/common/indexing.hpp"
#include "kernels/mma/config.cuh"

namespace flashcore::kernels {

struct E4m3KvParams : MmaParams {
  const float* k_descale = nullptr;  // [batch, heads_kv], null: 1
  const float* v_descale = nullptr;

  E4m3KvParams() = default;
  explicit E4m3KvParams(const AttentionArgs& a)
      : MmaParams(a), k_descale(a.k_descale), v_descale(a.v_descale) {}
};

// Why tiles for K and V in e4m3 cannot take K and V; null if they can.
inline const char* unsupported_e4m3_kv(const AttentionArgs& args) {
  constexpr std::int64_t kMaxChunks = std::int64_t{1} << 32;  // of 16 bytes, which copies count in 32 bits
  if (args.kv_dtype != Dtype::e4m3) return "compiled for K and V in e4m3";
  for (const Strides& s : {args.kv.k, args.kv.v}) {
    if (!are_multiples(s, kChunkBytes))
      return "strides of K and V must be multiples of 16 elements (16 bytes)";
    if (std::max(args.kv.pages * s.batch, args.sequences.total_k * s.row) / kChunkBytes > kMaxChunks)
      return "K or V has more than 2^36 bytes";
  }
  return nullptr;
}

template <Dtype kDtype>
struct E4m3KvOperands {
  using Params = E4m3KvParams;
  using T = Element<kDtype>;  // of Q and O
  using Kv = unsigned char;   // of K and V, which are only moved and widened
  using Product = __half;     // of P, and of Q, K and V in products

  static constexpr float kLog2Peak = 0;  // as in MmaOperands
  static constexpr float kLog2Limit = 8;

  float keys;    // the factor of K, above zero
  float values;  // the factor of V

  // For the tile's KV head. Reads memory that previous grids may have written.
  __device__ __forceinline__ E4m3KvOperands(const Params& params, int batch, int head_kv) {
    const std::int64_t head = kv_head_index(params.args, batch, head_kv);
    keys = descale_of(params.k_descale, head);
    values = descale_of(params.v_descale, head);
  }

  // Behind a soft cap, scores have no factor.
  __device__ __forceinline__ float score_scale(const Params& params) const {
    return params.args.softcap > 0 ? params.score_scale : params.score_scale * keys;
  }
  __device__ __forceinline__ float softcap_scale(const Params& params) const {
    return params.args.scale / params.args.softcap * keys;
  }
  __device__ __forceinline__ float normaliser(float row_sum) const { return normaliser_of(row_sum); }

  __device__ __forceinline__ static std::uint32_t pack_probabilities(const float (&p)[2]) {
    return pack<Product>(p[0], p[1]);
  }
  __device__ __forceinline__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                                  std::uint32_t b0, std::uint32_t b1) {
    ptx::mma_m16n8k16<Product>(d, a, b0, b1);
  }
  __device__ __forceinline__ static void keep_loads_behind() {}
};

// Factors that single rows of scores have; none.
template <class C>
struct RowFactors {
  __device__ __forceinline__ static float of(float scale, int /*m*/, int /*r*/) { return scale; }
  __device__ __forceinline__ static float capped(float score, float inner, int /*m*/, int /*r*/) {
    return tanh_approx(score * inner);
  }
};

template <class C>
concept ScalesQuery = C::kScaledQuery;

// The powers of two by which arrange_query() divided this lane's rows of Q.
template <ScalesQuery C>
struct RowFactors<C> {
  float factor[C::kRowTiles][2];

  __device__ __forceinline__ void load(const float* of_tile, int warp_row) {
#pragma unroll
    for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r)
        factor[m][r] = of_tile[warp_row + 16 * m + 8 * r + static_cast<int>(threadIdx.x % 32) / 4];
    }
  }
  __device__ __forceinline__ float of(float scale, int m, int r) const { return scale * factor[m][r]; }
  // Divided by the factor, by which of() multiplies it again.
  __device__ __forceinline__ float capped(float score, float inner, int m, int r) const {
    return tanh_approx(score * of(inner, m, r)) * ptx::reciprocal_approx(factor[m][r]);
  }
};

// A power of two and its reciprocal, so that `largest` times the latter is in [1, 2), or near 0, or at most 65504.
struct PowerOfTwo {
  float value, reciprocal;

  __device__ __forceinline__ explicit PowerOfTwo(float largest) {
    constexpr std::uint32_t kLowest = 127 - 64;    // biased exponents: both numbers are normal,
    constexpr std::uint32_t kHighest = 127 + 112;  // and 2^128 becomes 2^16
    const std::uint32_t exponent = min(max(std::bit_cast<std::uint32_t>(largest) >> 23, kLowest), kHighest);
    value = std::bit_cast<float>(exponent << 23);
    reciprocal = std::bit_cast<float>((2 * 127 - exponent) << 23);
  }
};

// Eight words of Q in bf16 become fp16; `row_factor` gets the row's factor. Called by kLanes neighbouring lanes for one row.
template <int kLanes>
__device__ __forceinline__ void scale_query(std::uint32_t (&words)[8], float* row_factor) {
  float2 values[8];
  float largest = 0;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    values[i] = to_float2(reinterpret_cast<const Pair<__nv_bfloat16>&>(words[i]));
    largest = fmaxf(largest, fmaxf(fabsf(values[i].x), fabsf(values[i].y)));
  }
  const PowerOfTwo power(lanes_max<kLanes>(largest));
#pragma unroll
  for (int i = 0; i < 8; ++i)
    words[i] = pack<__half>(values[i].x * power.reciprocal, values[i].y * power.reciprocal);
  if (threadIdx.x % kLanes == 0) *row_factor = power.value;
}

// Brings the tile of Q into the form that e4m3_score_slice() takes, in place. Of 16 columns, the first chunk gets columns
// 4·t and 4·t + 1 for t = 0 to 3, the second chunk the others. row_factors [kBlockQ], if Q is scaled.
template <class C>
__device__ __forceinline__ void arrange_query(unsigned char* tile, float* row_factors) {
  constexpr int kLanes = C::kHeadDim / 16;  // threads of a row
  constexpr int kItems = C::kBlockQ * kLanes;
  static_assert(kItems % kWarpSize == 0, "lanes of a warp stay together");
#pragma unroll 1
  for (int item = static_cast<int>(threadIdx.x); item < kItems; item += C::kThreads) {
    const int row = item / kLanes;
    auto* const first = reinterpret_cast<uint4*>(tile + C::Smem::offset(row, 2 * (item % kLanes)));
    auto* const second = reinterpret_cast<uint4*>(tile + C::Smem::offset(row, 2 * (item % kLanes) + 1));
    const uint4 left = *first;
    const uint4 right = *second;
    std::uint32_t words[] = {left.x, left.y, left.z, left.w, right.x, right.y, right.z, right.w};
    if constexpr (C::kScaledQuery) scale_query<kLanes>(words, row_factors + row);
    *first = {words[0], words[2], words[4], words[6]};
    *second = {words[1], words[3], words[5], words[7]};
  }
}

// scores += Q·Kᵀ over slice k of 32 columns of head_dim: two products deep.
template <class Warp>
__device__ __forceinline__ void e4m3_score_slice(Warp& warp, typename Warp::Scores& scores,
                                                 std::uint32_t keys, int k) {
  using KeySmem = typename Warp::KeySmem;
  std::uint32_t q[2][Warp::kM][4];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int m = 0; m < Warp::kM; ++m) warp.query_fragment(q[half][m], m, 2 * k + half);
  }
#pragma unroll
  for (int n = 0; n < Warp::kKeyTiles; ++n) {
    std::uint32_t b[4];  // of two tiles of eight keys, 16 columns each
    ptx::ldmatrix_x4(b, keys + KeySmem::below(KeySmem::right(warp.key_lane, k), 16 * n));
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int tile = 0; tile < 2; ++tile) {
        std::uint32_t wide[2];
        fp16_from_e4m3(wide, b[2 * tile + half]);
#pragma unroll
        for (int m = 0; m < Warp::kM; ++m)
          Warp::Operands::multiply(scores[m][2 * n + tile], q[half][m], wide[0], wide[1]);
      }
    }
  }
}

// out += P·V for 16 keys and slice `slice` of 32 columns of head_dim.
template <class Warp>
__device__ __forceinline__ void e4m3_value_slice(Warp& warp, std::uint32_t values, int key_step, int slice) {
  using KeySmem = typename Warp::KeySmem;
  constexpr std::uint32_t kKeysTogether = 0x3120;  // bytes of two columns of two keys, by column
  std::uint32_t b[4];                              // of eight and eight keys, 16 columns each
  ptx::ldmatrix_x4_trans(b, values + KeySmem::below(KeySmem::right(warp.value_lane, slice), 16 * key_step));
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    std::uint32_t first[2], second[2];  // of the eight keys: even columns, odd columns
    fp16_from_e4m3(first, ptx::permute_bytes(b[2 * half], 0, kKeysTogether));
    fp16_from_e4m3(second, ptx::permute_bytes(b[2 * half + 1], 0, kKeysTogether));
#pragma unroll
    for (int odd = 0; odd < 2; ++odd) {
#pragma unroll
      for (int m = 0; m < Warp::kM; ++m)
        Warp::Operands::multiply(warp.out[m][4 * slice + 2 * half + odd], warp.probability[m][key_step],
                                 first[odd], second[odd]);
    }
  }
}

// Adds each row's sink after the keys. A maximum that begins with a sink far above all scores would leave probabilities that
// fp16 does not hold.
template <class Warp, bool kPackGqa>
__device__ __forceinline__ void add_sinks(Warp& warp, const float* sinks, const QueryRows<kPackGqa>& rows) {
#pragma unroll
  for (int m = 0; m < Warp::kM; ++m) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int row = warp.row_begin + 16 * m + 8 * r + warp.lane() / 4;
      const float sink = sinks[rows.head_of(row)] * kLog2E;
      float& row_max = warp.row_max[m][r];
      const float new_max = fmaxf(row_max, sink);
      const float weight = ptx::exp2_approx(row_max - new_max);
      row_max = new_max;
      warp.row_sum[m][r] *= weight;
      if (warp.lane() % 4 == 0) warp.row_sum[m][r] += ptx::exp2_approx(sink - new_max);
#pragma unroll
      for (auto& tile : warp.out[m]) {
        tile[2 * r] *= weight;
        tile[2 * r + 1] *= weight;
      }
    }
  }
}

template <class Warp>
__device__ __forceinline__ void scale_output(Warp& warp, float factor) {
#pragma unroll
  for (int i = 0; i < static_cast<int>(sizeof(warp.out) / sizeof(float)); ++i)
    (&warp.out[0][0][0])[i] *= factor;
}

// Columns 16·group + 4·(lane % 4) and the next three of row r of a row tile of O.
__device__ __forceinline__ float4 four_columns(const float (*out)[4], int group, int r) {
  const float* even = out[2 * group];
  const float* odd = out[2 * group + 1];
  return make_float4(even[2 * r], odd[2 * r], even[2 * r + 1], odd[2 * r + 1]);
}

}  // namespace flashcore::kernels
