// The share of one warp: kRowTiles · 16 query rows against kStep keys at a time, all of it in registers.
//
// The accumulator layout of mma.m16n8k16 (PTX ISA, "Matrix Fragments for mma.m16n8k16"): lane l holds rows l
// / 4 and l / 4 + 8, columns 2 · (l % 4) + {0, 1}. Two neighbouring score tiles of 8 keys, rounded to two
// bytes, are therefore exactly the A operand of P·V for 16 keys: P never leaves the registers. Four score
// tiles, rounded to one byte, are the A operand of mma.m16n8k32 for 32 keys, if V has its keys in the same
// order (blocks/value_transpose.cuh).
#pragma once

#include "kernels/blocks/mask.cuh"
#include "kernels/blocks/softmax.cuh"
#include "kernels/mma/config.cuh"
#include "kernels/mma/e4m3_kv.cuh"
#include "kernels/mma/operands.cuh"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

template <class C>
struct WarpTile {
  using Operands = typename C::Operands;
  using Params = typename Operands::Params;
  using Smem = typename C::Smem;
  using KeySmem = typename C::KeySmem;
  using ValueSmem = typename C::ValueSmem;
  static constexpr int kM = C::kRowTiles;
  static constexpr int kQuerySteps = C::kHeadDim / C::kProductDepth;  // k steps of Q·Kᵀ
  static constexpr int kDimTiles = C::kHeadDim / 16;                  // pairs of column tiles of P·V
  static constexpr int kDimSteps = C::kE4m3Kv ? kQuerySteps / 2 : kQuerySteps;
  static constexpr int kDimSlices = C::kE4m3Kv ? kDimTiles / 2 : kDimTiles;
  static constexpr int kKeyTiles = C::kStep / 16;                // pairs of column tiles of Q·Kᵀ
  static constexpr int kKeySteps = C::kStep / C::kProductDepth;  // k steps of P·V
  static constexpr int kScorePairs = kKeyTiles * kM * 4;
  static constexpr int kProbabilities = kKeySteps * kM * 4;  // registers of them

  using Scores = float[kM][2 * kKeyTiles][4];

  float out[kM][2 * kDimTiles][4] = {};  // not divided by row_sum yet
  float row_max[kM][2];                  // subtracted from scores · log2(e): their maximum - kLog2Peak
  float row_sum[kM][2] = {};             // of this lane's columns only, until reduce_row_sums()
  std::uint32_t query[C::kQueryInRegisters ? kM : 1][C::kQueryInRegisters ? kQuerySteps : 1][4];
  std::uint32_t probability[kM][kKeySteps][4];
  std::uint32_t query_address;  // of this lane's ldmatrix row
  std::uint32_t key_lane;       // this lane's offset within a block of K, and of V
  std::uint32_t value_lane;
  Operands operands;
  RowFactors<C> row_factors;
  int row_begin;  // of this warp, in the rows of the problem

  __device__ static __forceinline__ int lane() { return static_cast<int>(threadIdx.x % 32); }

  // A warp at row warp_row of the query tile and at key key_begin of every block.
  __device__ __forceinline__ WarpTile(const Operands& head_operands, std::uint32_t query_smem, int warp_row,
                                      int first_row, int key_begin)
      : operands(head_operands), row_begin(first_row + warp_row) {
    const MatrixLane a = matrix_lane_a(lane());
    const MatrixLane b = matrix_lane_b(lane());
    query_address = query_smem + Smem::offset(warp_row + a.row, a.chunk);
    value_lane = C::kTransposedV ? ValueSmem::offset(b.row, b.chunk) + Smem::bytes(key_begin)
                                 : KeySmem::offset(key_begin + a.row, a.chunk);
    key_lane = KeySmem::offset(key_begin + b.row, b.chunk);
#pragma unroll
    for (int m = 0; m < kM; ++m) row_max[m][0] = row_max[m][1] = kNoScore;
  }

  // Begins the softmax of each row with the sink of its head: the first maximum, counted once.
  template <bool kPackGqa>
  __device__ __forceinline__ void count_sinks(const float* sinks, const QueryRows<kPackGqa>& rows) {
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float sink = sinks[rows.head_of(row_begin + 16 * m + 8 * r + lane() / 4)] * kLog2E;
        row_max[m][r] = fmaxf(sink, kNoScore);
        row_sum[m][r] = lane() % 4 == 0 ? ptx::exp2_approx(sink - row_max[m][r]) : 0.0f;
      }
    }
  }

  __device__ __forceinline__ void load_query(std::uint32_t (&fragment)[4], int m, int k) const {
    ptx::ldmatrix_x4(fragment, Smem::right(Smem::below(query_address, 16 * m), k));
  }

  __device__ __forceinline__ void load_query_to_registers() {
    if constexpr (C::kQueryInRegisters) {
#pragma unroll
      for (int m = 0; m < kM; ++m) {
#pragma unroll
        for (int k = 0; k < kQuerySteps; ++k) load_query(query[m][k], m, k);
      }
    }
  }

  __device__ __forceinline__ void query_fragment(std::uint32_t (&fragment)[4], int m, int k) const {
    if constexpr (C::kQueryInRegisters) {
#pragma unroll
      for (int i = 0; i < 4; ++i) fragment[i] = query[m][k][i];
    } else {
      load_query(fragment, m, k);
    }
  }

  // scores += Q·Kᵀ over one of kDimSteps slices of head_dim.
  __device__ __forceinline__ void score_slice(Scores& scores, std::uint32_t keys, int k) {
    if constexpr (C::kE4m3Kv) return e4m3_score_slice(*this, scores, keys, k);
    Operands::keep_loads_behind();
    std::uint32_t q[kM][4];
#pragma unroll
    for (int m = 0; m < kM; ++m) query_fragment(q[m], m, k);
#pragma unroll
    for (int n = 0; n < kKeyTiles; ++n) {
      std::uint32_t b[4];
      ptx::ldmatrix_x4(b, keys + Smem::below(Smem::right(key_lane, k), 16 * n));
#pragma unroll
      for (int m = 0; m < kM; ++m) {
        Operands::multiply(scores[m][2 * n], q[m], b[0], b[1]);
        Operands::multiply(scores[m][2 * n + 1], q[m], b[2], b[3]);
      }
    }
  }

  // out += P·V for kProductDepth keys and one of kDimSlices slices of head_dim.
  __device__ __forceinline__ void value_slice(std::uint32_t values, int key_step, int column) {
    if constexpr (C::kE4m3Kv) return e4m3_value_slice(*this, values, key_step, column);
    Operands::keep_loads_behind();
    std::uint32_t b[4];
    if constexpr (C::kTransposedV) {
      ptx::ldmatrix_x4(b, values + ValueSmem::below(ValueSmem::right(value_lane, key_step), 16 * column));
    } else {
      ptx::ldmatrix_x4_trans(b, values + Smem::below(Smem::right(value_lane, column), 16 * key_step));
    }
#pragma unroll
    for (int m = 0; m < kM; ++m) {
      Operands::multiply(out[m][2 * column], probability[m][key_step], b[0], b[1]);
      Operands::multiply(out[m][2 * column + 1], probability[m][key_step], b[2], b[3]);
    }
  }

  // Calls visit(m, tile, half, row) for slice `slice` of kSlices of kCount items: pairs of neighbouring
  // scores, tile being a pair of column tiles, or registers of P, tile being a k step. Those of one tile
  // follow each other.
  template <int kSlices, int kCount, class Visit>
  __device__ static __forceinline__ void for_slice(int slice, Visit visit) {
    constexpr int kPerSlice = ceil_div(kCount, kSlices);
#pragma unroll
    for (int i = 0; i < kPerSlice; ++i) {
      const int item = slice * kPerSlice + i;
      if (item < kCount) visit(item / 4 % kM, item / (4 * kM), item / 2 % 2, item % 2);
    }
  }

  template <int kSlices>
  __device__ __forceinline__ void exp_slice(const Scores& scores, float score_scale, int slice) {
    constexpr int kPairs = 2 / C::kElementBytes;  // of a register, each of another column tile
    for_slice<kSlices, kProbabilities>(slice, [&](int m, int key_step, int half, int row) {
      float p[2 * kPairs];
      float sum = 0;
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        const float* pair = &scores[m][kPairs * (2 * key_step + half) + i][2 * row];
        const float scale = row_factors.of(score_scale, m, row);
        p[2 * i] = ptx::exp2_approx(fmaf(pair[0], scale, -row_max[m][row]));
        p[2 * i + 1] = ptx::exp2_approx(fmaf(pair[1], scale, -row_max[m][row]));
        sum = i == 0 ? p[0] + p[1] : sum + (p[2 * i] + p[2 * i + 1]);
      }
      row_sum[m][row] += sum;
      probability[m][key_step][2 * half + row] = Operands::pack_probabilities(p);
    });
  }

  template <int kSlices>
  __device__ __forceinline__ void max_slice(float (&highest)[kM][2], const Scores& scores, int slice) {
    for_slice<kSlices, kScorePairs>(slice, [&](int m, int key_tile, int half, int row) {
      const float* pair = &scores[m][2 * key_tile + half][2 * row];
      highest[m][row] = fmaxf(highest[m][row], fmaxf(pair[0], pair[1]));
    });
  }

  // Raises the subtracted maxima when one of this step's raw scores needs it. Each lane tests its own
  // columns, so that the common case costs one vote and no shuffle; the vote gives the four lanes of a row
  // the same answer.
  __device__ __forceinline__ void raise_max(const float (&highest)[kM][2], float score_scale) {
    bool exceeded = false;
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float scale = row_factors.of(score_scale, m, r);
        exceeded |= fmaf(highest[m][r], scale, -row_max[m][r]) > Operands::kLog2Limit;
      }
    }
    if (!__any_sync(kAllLanes, exceeded)) return;
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        float candidate = highest[m][r];
        candidate = fmaxf(candidate, __shfl_xor_sync(kAllLanes, candidate, 1));
        candidate = fmaxf(candidate, __shfl_xor_sync(kAllLanes, candidate, 2));
        candidate *= row_factors.of(score_scale, m, r);
        if constexpr (Operands::kLog2Peak != 0) candidate -= Operands::kLog2Peak;
        const float raised = fmaxf(row_max[m][r], candidate);
        const float rescale = ptx::exp2_approx(row_max[m][r] - raised);
        row_max[m][r] = raised;
        row_sum[m][r] *= rescale;
#pragma unroll
        for (int n = 0; n < 2 * kDimTiles; ++n) {
          out[m][n][2 * r] *= rescale;
          out[m][n][2 * r + 1] *= rescale;
        }
      }
    }
  }

  // The logit soft cap, then -inf where the mask hides a key.
  template <bool kPackGqa>
  __device__ __forceinline__ void cap_and_mask(Scores& scores, const Params& params,
                                               const QueryRows<kPackGqa>& rows, int key_begin) const {
    if (params.args.softcap > 0) {
      const float inner = operands.softcap_scale(params);
#pragma unroll
      for (int m = 0; m < kM; ++m) {
#pragma unroll
        for (int n = 0; n < 2 * kKeyTiles; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) scores[m][n][i] = row_factors.capped(scores[m][n][i], inner, m, i / 2);
        }
      }
    }
    const int first_key = key_begin + 2 * (lane() % 4);
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const int query = rows.query(row_begin + 16 * m + 8 * r + lane() / 4);
        const unsigned above_lowest = static_cast<unsigned>(first_key - query - params.mask.lowest);
#pragma unroll
        for (int n = 0; n < 2 * kKeyTiles; ++n) {
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            const unsigned step = 8 * n + i;
            if (!params.mask.sees(above_lowest + step, first_key + static_cast<int>(step)))
              scores[m][n][2 * r + i] = -INFINITY;
          }
        }
      }
    }
  }

  // One step of the pipeline. kCurrent: softmax of `current` and P·V. kNext: Q·Kᵀ into `next`, its mask, its
  // maximum. With both, the exponentials stand between the matrix instructions of Q·Kᵀ, and the maxima
  // between the matrix instructions of P·V. They do not depend on each other, so that the tensor cores and
  // the other pipes work at the same time.
  template <bool kCurrent, bool kNext, bool kMask, bool kPackGqa>
  __device__ __forceinline__ void advance(const Params& params, const QueryRows<kPackGqa>& rows,
                                          Scores& current, Scores& next, std::uint32_t keys,
                                          std::uint32_t values, int next_key) {
    if constexpr (kNext) {
#pragma unroll
      for (int i = 0; i < kM * 2 * kKeyTiles * 4; ++i) (&next[0][0][0])[i] = 0;
#pragma unroll
      for (int k = 0; k < kDimSteps; ++k) {
        score_slice(next, keys, k);
        if constexpr (kCurrent) exp_slice<kDimSteps>(current, operands.score_scale(params), k);
      }
      if constexpr (kMask) cap_and_mask(next, params, rows, next_key);
    }
    float highest[kM][2];
#pragma unroll
    for (int m = 0; m < kM; ++m) highest[m][0] = highest[m][1] = -INFINITY;
#pragma unroll
    for (int key_step = 0; key_step < kKeySteps; ++key_step) {
      if constexpr (kCurrent && !kNext) exp_slice<kKeySteps>(current, operands.score_scale(params), key_step);
#pragma unroll
      for (int column = 0; column < kDimSlices; ++column) {
        if constexpr (kCurrent) value_slice(values, key_step, column);
        if constexpr (kNext) max_slice<kKeySteps * kDimSlices>(highest, next, key_step * kDimSlices + column);
      }
    }
    if constexpr (kNext) raise_max(highest, operands.score_scale(params));
  }

  // Adds up row sums over the four lanes of a row: once, after the last key.
  __device__ __forceinline__ void reduce_row_sums() {
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        row_sum[m][r] += __shfl_xor_sync(kAllLanes, row_sum[m][r], 1);
        row_sum[m][r] += __shfl_xor_sync(kAllLanes, row_sum[m][r], 2);
      }
    }
  }
};

}  // namespace flashcore::kernels
