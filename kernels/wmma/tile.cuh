// The parts that the WMMA families share: shared memory, the two products, the online softmax between them.
//
// The layout of a WMMA accumulator is unspecified (CUDA C++ Programming Guide, "Warp matrix functions"), so
// the code never indexes an accumulator element: scores pass through store_matrix_sync, and O is rescaled in
// shared memory by row before it is loaded as an accumulator. Tails need no padding loop: tile loads write
// every element of a tile, zero where the tensor has no row.
#pragma once

#include <mma.h>

#include "kernels/blocks/block_position.cuh"
#include "kernels/blocks/softmax.cuh"
#include "kernels/blocks/tile_io.cuh"
#include "kernels/common/cuda_variant.cuh"
#include "kernels/common/numeric.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct WmmaTile {
  static constexpr VariantSpec spec = S;
  static constexpr int kMinComputeCapability = 80;

  using T = Element<S.dtype>;
  static constexpr int kBlockQ = S.tile.block_q;
  static constexpr int kBlockKv = S.tile.block_kv;
  static constexpr int kHeadDim = S.head_dim;
  static constexpr int kWarps = S.tile.num_warps;
  static constexpr int kStages = S.tile.num_stages;
  static constexpr int kThreads = kWarps * kWarpSize;
  static constexpr int kLanesPerRow = kThreads / kBlockQ;  // threads that share a row of scores
  static constexpr int kMma = 16;

  // Leading dimensions, padded by 16 bytes so that the rows of a 16×16 tile fall into different banks.
  static constexpr int kInputLd = kHeadDim + 8;  // q, k, v  [rows, kHeadDim] of T
  static constexpr int kProbLd = kBlockKv + 8;   // p        [kBlockQ, kBlockKv] of T
  static constexpr int kScoreLd = kBlockKv + 4;  // s        [kBlockQ, kBlockKv] of float
  static constexpr int kOutLd = kHeadDim + 4;    // o        [kBlockQ, kHeadDim] of float

  struct Smem {
    alignas(32) T q[kBlockQ * kInputLd];
    alignas(32) T k[kStages][kBlockKv * kInputLd];
    alignas(32) T v[kStages][kBlockKv * kInputLd];
    alignas(32) T p[kBlockQ * kProbLd];
    alignas(32) float s[kBlockQ * kScoreLd];
    alignas(32) float o[kBlockQ * kOutLd];
  };

  static constexpr const char* invalid() {
    if (kHeadDim % kMma != 0) return "head_dim must be a multiple of 16";
    if (kBlockQ % kMma != 0 || kBlockKv % kMma != 0) return "block_q and block_kv must be multiples of 16";
    if (kThreads % kBlockQ != 0) return "32 * num_warps must be a multiple of block_q";
    if (kLanesPerRow > kWarpSize || (kLanesPerRow & (kLanesPerRow - 1)) != 0) {
      return "32 * num_warps / block_q must be a power of two up to 32";
    }
    if (sizeof(Smem) > kMaxSmemBytes) return "needs more shared memory per block than any device has";
    if (kStages < 1 || kStages > 4) return "num_stages must be from 1 to 4";
    return nullptr;
  }
  static constexpr int smem_bytes() { return sizeof(Smem); }
  static std::int64_t grid_blocks(const KernelArgs& args) { return tiled_grid_blocks(args, kBlockQ); }
  static const char* unsupported(const KernelArgs& args) { return misaligned(args); }

  template <class Use, class Layout = void>
  using Fragment = nvcuda::wmma::fragment<Use, kMma, kMma, kMma, T, Layout>;
  using Accumulator = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, kMma, kMma, kMma, float>;
  using RowMajor = nvcuda::wmma::row_major;
  using ColMajor = nvcuda::wmma::col_major;

  // Calls f(row, column) for each 16×16 tile of a [kRows, kCols] matrix that this warp owns.
  template <int kRows, int kCols, class F>
  __device__ static void for_each_tile(F f) {
    constexpr int kRowTiles = kRows / kMma;
    constexpr int kTiles = kRowTiles * (kCols / kMma);
    for (int tile = threadIdx.x / kWarpSize; tile < kTiles; tile += kWarps) {
      f((tile % kRowTiles) * kMma, (tile / kRowTiles) * kMma);
    }
  }

  // s = q · kᵀ  [kBlockQ, kBlockKv]; K row-major read as column-major is Kᵀ.
  __device__ static void multiply_qk(Smem& smem, int stage) {
    for_each_tile<kBlockQ, kBlockKv>([&](int row, int column) {
      Accumulator s_acc;
      nvcuda::wmma::fill_fragment(s_acc, 0.0f);
#pragma unroll
      for (int depth = 0; depth < kHeadDim; depth += kMma) {
        Fragment<nvcuda::wmma::matrix_a, RowMajor> q_frag;
        Fragment<nvcuda::wmma::matrix_b, ColMajor> k_frag;
        nvcuda::wmma::load_matrix_sync(q_frag, smem.q + row * kInputLd + depth, kInputLd);
        nvcuda::wmma::load_matrix_sync(k_frag, smem.k[stage] + column * kInputLd + depth, kInputLd);
        nvcuda::wmma::mma_sync(s_acc, q_frag, k_frag, s_acc);
      }
      nvcuda::wmma::store_matrix_sync(smem.s + row * kScoreLd + column, s_acc, kScoreLd,
                                      nvcuda::wmma::mem_row_major);
    });
  }

  // o += p · v  [kBlockQ, kHeadDim]
  __device__ static void multiply_pv(Smem& smem, int stage) {
    for_each_tile<kBlockQ, kHeadDim>([&](int row, int column) {
      Accumulator o_acc;
      float* o_tile = smem.o + row * kOutLd + column;
      nvcuda::wmma::load_matrix_sync(o_acc, o_tile, kOutLd, nvcuda::wmma::mem_row_major);
#pragma unroll
      for (int depth = 0; depth < kBlockKv; depth += kMma) {
        Fragment<nvcuda::wmma::matrix_a, RowMajor> p_frag;
        Fragment<nvcuda::wmma::matrix_b, RowMajor> v_frag;
        nvcuda::wmma::load_matrix_sync(p_frag, smem.p + row * kProbLd + depth, kProbLd);
        nvcuda::wmma::load_matrix_sync(v_frag, smem.v[stage] + depth * kInputLd + column, kInputLd);
        nvcuda::wmma::mma_sync(o_acc, p_frag, v_frag, o_acc);
      }
      nvcuda::wmma::store_matrix_sync(o_tile, o_acc, kOutLd, nvcuda::wmma::mem_row_major);
    });
  }

  // The block's position and its inputs.
  struct Work {
    BlockPosition position;
    int rows;  // of the query tile that exist
    const T *q, *k, *v;
    int key_begin, key_end;  // keys that some of the rows sees; key_begin is the start of a tile
  };

  __device__ static Work find_work(const KernelArgs& args) {
    Work work{.position = block_position(args, kBlockQ)};
    const BlockPosition& at = work.position;
    work.rows = min(kBlockQ, args.seq_q - at.row_begin);
    work.q = head_pointer(static_cast<const T*>(args.q), args.q_stride, at.batch, at.head) +
             at.row_begin * args.q_stride.row;
    work.k = head_pointer(static_cast<const T*>(args.k), args.k_stride, at.batch, at.head_kv);
    work.v = head_pointer(static_cast<const T*>(args.v), args.v_stride, at.batch, at.head_kv);
    work.key_begin = visible_keys(args, at.row_begin).begin / kBlockKv * kBlockKv;
    work.key_end = visible_keys(args, at.row_begin + work.rows - 1).end;
    return work;
  }

  // A thread's state of its row; kLanesPerRow neighbouring threads hold the same values.
  struct RowState {
    int row;                    // in the tile
    int lane;                   // among the threads of the row
    KeyRange keys;              // that the row sees
    float row_max = -INFINITY;  // of scores · log2(e)
    float row_sum = 0;
  };

  // Rows past the tensor's end see no key.
  __device__ static RowState make_row(const KernelArgs& args, const Work& work) {
    const int row = static_cast<int>(threadIdx.x) / kLanesPerRow;
    return {.row = row,
            .lane = static_cast<int>(threadIdx.x) % kLanesPerRow,
            .keys = row < work.rows ? visible_keys(args, work.position.row_begin + row) : KeyRange{0, 0}};
  }

  // Loads q and sets o = 0; the caller synchronises.
  __device__ static void start(const KernelArgs& args, const Work& work, Smem& smem) {
    load_tile<kBlockQ, kHeadDim, kInputLd, kThreads>(smem.q, work.q, args.q_stride.row, work.rows);
    for (int i = threadIdx.x; i < kBlockQ * kOutLd; i += kThreads) smem.o[i] = 0.0f;
  }

  // p = exp2(s - row_max) in T, and o rescaled to the new maximum.
  __device__ static void softmax_tile(const KernelArgs& args, Smem& smem, RowState& state, int key_begin) {
    constexpr int kColumns = kBlockKv / kLanesPerRow;
    float score[kColumns];
    float tile_max = -INFINITY;
#pragma unroll
    for (int i = 0; i < kColumns; ++i) {
      const int column = i * kLanesPerRow + state.lane;
      const int key = key_begin + column;
      const bool visible = key >= state.keys.begin && key < state.keys.end;
      score[i] = visible ? log2_score(args, smem.s[state.row * kScoreLd + column]) : -INFINITY;
      tile_max = fmaxf(tile_max, score[i]);
    }
    const float new_max = fmaxf(state.row_max, lanes_max<kLanesPerRow>(tile_max));
    const float subtract = finite_max(new_max);
    float tile_sum = 0;
#pragma unroll
    for (int i = 0; i < kColumns; ++i) {
      const float p = exp2f(score[i] - subtract);
      tile_sum += p;
      smem.p[state.row * kProbLd + i * kLanesPerRow + state.lane] = from_float<T>(p);
    }
    const float rescale = exp2f(state.row_max - subtract);
    state.row_sum = state.row_sum * rescale + lanes_sum<kLanesPerRow>(tile_sum);
    state.row_max = new_max;
    if (rescale != 1.0f) {
      for (int column = state.lane; column < kHeadDim; column += kLanesPerRow) {
        smem.o[state.row * kOutLd + column] *= rescale;
      }
    }
  }

  __device__ static void store_out(const KernelArgs& args, const Smem& smem, const RowState& state,
                                   const BlockPosition& position) {
    const int row = position.row_begin + state.row;
    if (row >= args.seq_q) return;
    const float normalise = normaliser_of(state.row_sum);
    T* out = head_pointer(static_cast<T*>(args.out), args.out_stride, position.batch, position.head) +
             row * args.out_stride.row;
    for (int column = state.lane * kChunkElements; column < kHeadDim;
         column += kLanesPerRow * kChunkElements) {
      union {
        uint4 vector;
        Pair<T> pairs[kChunkElements / 2];
      };
      const float* o_row = smem.o + state.row * kOutLd + column;
#pragma unroll
      for (int i = 0; i < kChunkElements / 2; ++i) {
        pairs[i] = pair_from_floats<T>(o_row[2 * i] * normalise, o_row[2 * i + 1] * normalise);
      }
      *reinterpret_cast<uint4*>(out + column) = vector;
    }
    if (args.lse != nullptr && state.lane == 0) {
      args.lse[args.lse_index(position.batch, position.head, row)] =
          log_sum_exp(state.row_max, state.row_sum);
    }
  }
};

}  // namespace flashcore::kernels
