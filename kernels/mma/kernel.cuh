// mma: the tensor cores by mma.sync m16n8k16, everything between the two products in registers.
//
// Idea (FlashAttention-2, section 3, for the shape of the loop): a warp owns 16 or 32 query rows. Scores come
// out of Q·Kᵀ in the accumulator layout, which is the A operand's layout of P·V: no trip through shared
// memory. K and V come by cp.async into XOR-swizzled buffers, num_stages deep, and are read by ldmatrix.
// Against wmma: softmax in registers instead of shared memory, loads under arithmetic, no bank conflicts.
// Past FlashAttention-2:
//   - with 32 rows a warp, a fragment of K or V serves two products; with q_in_regs, Q is not read again. At
//     head_dim 128 the loop then reads 16 KB a warp for 32 keys where it read 20;
//   - overlap: the next step's Q·Kᵀ stands between this step's exponentials, P·V between the next one's
//   maxima;
//   - the maximum subtracted moves only when a score exceeds it by 2^8, so that O is seldom rescaled;
//   - masked steps, and steps no row of the warp sees, are told apart for each warp, not for each block.
// Small problems: the keys of a block are shared out to kv_split_warps groups of warps, those of a query tile
// to kv_split_blocks blocks and a second pass, or to the blocks of a cluster (sm_90). pack_gqa puts the query
// heads of one KV head into one tile, so that decoding reads K and V once.
//
// Seen on an H100: plain steps of 64 keys with 32 rows a warp are the fastest of all at long sequences, for
// head_dim 64 with Q in registers, for 128 with Q in shared memory. Overlap and shorter steps lose 5 to 10 %:
// two blocks an SM fill each other's gaps, and a second set of scores costs the registers of a longer step.
// At the seed problem (8 heads, 512 keys) the fastest shares 256 keys at a time out to eight warps: two
// steps, and all keys are asked for at once.
//
// Assumes: rows of Q, K, V and O on 16-byte boundaries, a positive softmax scale.
#pragma once

#include "kernels/common/cp_async.cuh"
#include "kernels/common/cuda_variant.cuh"
#include "kernels/mma/epilogue.cuh"
#include "kernels/mma/kv_stream.cuh"
#include "kernels/mma/warp_tile.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct MmaKernel {
  using C = MmaConfig<S>;
  using T = typename C::T;
  using Rows = QueryRows<C::kPackGqa>;
  using Warp = WarpTile<C>;
  using Scores = typename Warp::Scores;

  static constexpr VariantSpec spec = S;
  static constexpr const char* kFamily = "mma";
  static constexpr const char* kSummary = "mma.sync m16n8k16, scores in registers, swizzled cp.async stages";
  static constexpr int kMinComputeCapability = C::kCluster > 1 ? 90 : 80;
  static constexpr int kMinBlocksPerSm = C::kMinBlocksPerSm;
  static constexpr bool kWaitsForGrid = true;

  static constexpr const char* invalid() { return C::invalid(); }
  static constexpr int smem_bytes() { return C::kSmemBytes; }
  using Params = MmaParams;

  // Query tiles of one head, times the blocks that share each.
  static std::int64_t blocks_per_head(const AttentionArgs& args) {
    return Rows::tiles(args, C::kBlockQ) * C::kShares;
  }
  // Tiles of one head lie side by side, so that blocks running together share K and V in L2.
  static dim3 grid(const AttentionArgs& args) {
    return {static_cast<unsigned>(blocks_per_head(args)), static_cast<unsigned>(Rows::heads(args)),
            static_cast<unsigned>(args.batch)};
  }
  static std::int64_t grid_blocks(const AttentionArgs& args) {
    return blocks_per_head(args) * Rows::heads(args) * args.batch;
  }
  static const char* unsupported(const AttentionArgs& args) {
    constexpr int kMostGridRows = 65535;  // of a grid's second and third axis
    if (!(args.scale > 0)) return "the softmax scale must be positive";
    if (Rows::heads(args) > kMostGridRows || args.batch > kMostGridRows)
      return "more than 65535 heads or batches";
    if (Rows::rows(args) * C::kHeadDim > 0x7fffffff) return "too many query rows";
    return misaligned(args);
  }
  static std::size_t workspace_bytes(const AttentionArgs& args) {
    return C::kSplitBlocks > 1 ? static_cast<std::size_t>(grid_blocks(args)) * C::Partial::kBytes : 0;
  }
  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t, Params& params) {
    params = MmaParams(args);
    return cudaSuccess;
  }
  static cudaError_t finish(const AttentionArgs& args, cudaStream_t stream) {
    if constexpr (C::kSplitBlocks > 1) {
      const std::int64_t chunks = Rows::tiles(args, C::kBlockQ) * C::kBlockQ * C::Partial::kChunks;
      dim3 blocks = grid(args);
      blocks.x = static_cast<unsigned>(ceil_div(chunks, kSecondPassThreads));
      GridLaunch launch(stream, kSecondPassThreads, 0);
      launch.set_grid(blocks);
      launch.allow_early_start();
      return cudaLaunchKernelEx(&launch.config(), merge_workspace_kernel<C>, MmaParams(args));
    }
    return cudaSuccess;
  }

  __device__ static __forceinline__ KeyReach reach_of(const AttentionArgs& args, const Rows& rows,
                                                      const KvStream<C>& stream, int row_begin) {
    const int last_row = min(row_begin + C::kWarpRows, rows.count) - 1;
    if (row_begin > last_row) return {.any = {0, 0}, .all = {0, 0}};
    const int first_query = rows.query(row_begin);
    const int last_query = rows.query(last_row);
    return {.any = intersect(keys_of_any(args, first_query, last_query),
                             {stream.first * C::kBlockKv, stream.last * C::kBlockKv}),
            .all = keys_of_all(args, first_query, last_query)};
  }

  __device__ static __forceinline__ bool needs_mask(const Params& params, const KeyReach& reach, int key) {
    return params.args.softcap > 0 || !contains(reach.all, key, C::kStep);
  }

  // Steps are counted from the first key of the sequence: kSteps of them to a block. First key of a step, for
  // this warp:
  __device__ static __forceinline__ int key_of(int step) {
    if constexpr (C::kSplitWarps == 1) return step * C::kStep;
    return step / C::kSteps * C::kBlockKv + step % C::kSteps * C::kStep + first_key_in_block();
  }
  __device__ static __forceinline__ int first_key_in_block() {
    return static_cast<int>(threadIdx.x / (32 * C::kRowWarps)) * C::kWarpKeys;
  }

  // The loop with overlap: scores run one step ahead, K therefore one block ahead of V. The step before the
  // first only fills the pipeline.
  __device__ static __forceinline__ void overlapped_loop(const Params& params, const Rows& rows, Warp& warp,
                                                         const KeyReach& parked, const KvStream<C>& stream) {
    Scores current, next;
    const int first_step = stream.first * C::kSteps;
    const int last_step = stream.last * C::kSteps;
#pragma unroll 1
    for (int step = first_step - 1; step < last_step; ++step) {
      if (step >= first_step && step % C::kSteps == 0) {
        ptx::cp_async_wait<C::kStages - 2>();
        // V of this block and K of the next are there; nobody reads what is filled next.
        ptx::block_barrier();
        stream.issue(step / C::kSteps + C::kStages - 1);
      }
      const KeyReach reach = parked;
      const int next_key = key_of(step + 1);
      const std::uint32_t keys = stream.keys(step + 1);
      const std::uint32_t values = stream.values(step);
      const bool has_current = step >= first_step && overlaps(reach.any, key_of(step), C::kStep);
      if (!overlaps(reach.any, next_key, C::kStep)) {
        if (has_current) {
          warp.template advance<true, false, false>(params, rows, current, next, keys, values, next_key);
        }
      } else if (!has_current) {
        warp.template advance<false, true, true>(params, rows, current, next, keys, values, next_key);
      } else if (needs_mask(params, reach, next_key)) {
        warp.template advance<true, true, true>(params, rows, current, next, keys, values, next_key);
      } else {
        warp.template advance<true, true, false>(params, rows, current, next, keys, values, next_key);
      }
      warp.copy_scores(current, next);
    }
  }

  // The loop step by step: scores, softmax, P·V. Warps of other blocks on the SM fill the gaps.
  __device__ static __forceinline__ void plain_loop(const Params& params, const Rows& rows, Warp& warp,
                                                    const KeyReach& parked, const KvStream<C>& stream) {
    Scores scores;
    const int last_step = stream.last * C::kSteps;
#pragma unroll 1
    for (int step = stream.first * C::kSteps; step < last_step; ++step) {
      if (step % C::kSteps == 0) {
        ptx::cp_async_wait<(C::kStages == 1 ? 0 : C::kStages - 2)>();
        // K of this block (and V, with stages) is there; nobody reads what is filled next.
        ptx::block_barrier();
        if constexpr (C::kStages == 1) {
          stream.issue_values(step);
        } else {
          stream.issue(step / C::kSteps + C::kStages - 1);
        }
      }
      const KeyReach reach = parked;
      const int key = key_of(step);
      const bool visible = overlaps(reach.any, key, C::kStep);
      const std::uint32_t keys = stream.keys(step);
      const std::uint32_t values = stream.values(step);
      if (visible && needs_mask(params, reach, key)) {
        warp.template advance<false, true, true>(params, rows, scores, scores, keys, values, key);
      } else if (visible) {
        warp.template advance<false, true, false>(params, rows, scores, scores, keys, values, key);
      }
      if constexpr (C::kStages == 1) {
        ptx::cp_async_wait<0>();
        ptx::block_barrier();  // V is there; every warp has its scores, so that K's buffer is free
        stream.issue_keys(step + 1);
      }
      if (visible) {
        warp.template advance<true, false, false>(params, rows, scores, scores, keys, values, key);
      }
    }
  }

  __device__ static void run(const Params& params) {
    // Where: query tile, share of its keys, rows and keys of this warp.
    const AttentionArgs& args = params.args;
    const int place_in_head = static_cast<int>(blockIdx.x) / C::kShares;
    const int share = static_cast<int>(blockIdx.x) % C::kShares;
    const int tiles = static_cast<int>(gridDim.x) / C::kShares;
    const Rows rows(args, params.group, C::kBlockQ, place_in_head, tiles, static_cast<int>(blockIdx.y),
                    static_cast<int>(blockIdx.z));
    const int warp_index = static_cast<int>(threadIdx.x / 32);
    const int warp_row = warp_index % C::kRowWarps * C::kWarpRows;
    const int split_warp = warp_index / C::kRowWarps;
    unsigned char* smem = ptx::dynamic_smem();
    const std::uint32_t smem_begin = ptx::smem_address(smem);
    const KvStream<C> stream(args, rows, smem_begin, share);

    wait_for_grid_before();
    start_grid_behind();
    // First loads: Q (and the first K with overlap), then the stages.
    const T* q = head_pointer(static_cast<const T*>(args.q), args.q_stride, rows.batch, rows.head);
    cp_async_tile<C::kHeadDim, C::kBlockQ, C::kThreads>(
        smem_begin, q, rows.begin, rows.count, [&](int row) { return rows.offset(args.q_stride, row); });
    stream.start();

    Warp warp(smem_begin, warp_row, rows.begin, first_key_in_block());
    KeyReach& reach = reinterpret_cast<KeyReach*>(smem + C::kReachAt)[warp_index];
    if (warp.lane() == 0) reach = reach_of(args, rows, stream, warp.row_begin);
    stream.wait_for_query();
    ptx::block_barrier();  // Q, the warps' reach and, with overlap, the first K are there
    warp.load_query_to_registers();

    if constexpr (C::kOverlap) {
      overlapped_loop(params, rows, warp, reach, stream);
    } else {
      plain_loop(params, rows, warp, reach, stream);
    }
    warp.reduce_row_sums();

    if constexpr (C::kSplit) {
      const std::int64_t partial =
          first_partial<C>(args, place_in_head, tiles, static_cast<int>(blockIdx.y), rows.batch) + share;
      merge_and_store<C>(args, rows, warp, smem, warp_row, split_warp, share, partial);
    } else {
      store_output<C>(args, rows, warp, smem, warp_row);
    }
  }
};

}  // namespace flashcore::kernels
