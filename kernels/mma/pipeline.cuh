// The kernel body that the mma families share, and the common parts of their launches.
#pragma once

#include "kernels/blocks/tile_io.cuh"
#include "kernels/common/cuda_variant.cuh"
#include "kernels/mma/epilogue.cuh"
#include "kernels/mma/kv_stream.cuh"
#include "kernels/mma/warp_tile.cuh"
#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm90.cuh"

namespace flashcore::kernels {

// A family adds kFamily, kSummary, kMinComputeCapability and prepare(); one with a workspace of its own or with other
// limits, also workspace_bytes() and unsupported().
template <VariantSpec S>
struct MmaPipeline {
  using C = MmaConfig<S>;
  using Operands = typename C::Operands;
  using Params = typename Operands::Params;
  using Rows = QueryRows<C::kPackGqa>;
  using Warp = WarpTile<C>;
  using Args = typename C::Args;
  using Scores = typename Warp::Scores;

  static constexpr VariantSpec spec = S;
  static constexpr int kMinBlocksPerSm = C::kMinBlocksPerSm;
  static constexpr bool kDependentLaunch = true;

  static constexpr const char* invalid() { return C::invalid(); }
  static constexpr int smem_bytes() { return C::kSmemBytes; }

  // Query tiles of one head, times the blocks that share each.
  static std::int64_t blocks_per_head(const KernelArgs& args) {
    return Rows::tiles(args, C::kBlockQ) * C::kShares;
  }
  // Tiles of one head lie side by side, so that blocks running together share K and V in L2.
  static dim3 grid(const KernelArgs& args) {
    return {static_cast<unsigned>(blocks_per_head(args)), static_cast<unsigned>(Rows::heads(args)),
            static_cast<unsigned>(args.batch)};
  }
  static std::int64_t grid_blocks(const KernelArgs& args) {
    return blocks_per_head(args) * Rows::heads(args) * args.batch;
  }
  static std::size_t workspace_bytes(const KernelArgs& args) {
    return C::kSplitBlocks > 1 ? static_cast<std::size_t>(grid_blocks(args)) * C::Partial::kBytes : 0;
  }
  // `kernel` has one thread per chunk of the output.
  template <class PassParams>
  static cudaError_t launch_second_pass(const KernelArgs& args, cudaStream_t stream,
                                        void (*kernel)(PassParams), const PassParams& params) {
    const std::int64_t chunks = Rows::tiles(args, C::kBlockQ) * C::kBlockQ * C::Partial::kChunks;
    dim3 blocks = grid(args);
    blocks.x = static_cast<unsigned>(ceil_div(chunks, kSecondPassThreads));
    GridLaunch launch(stream, kSecondPassThreads, 0);
    launch.set_grid(blocks);
    launch.allow_early_start();
    return cudaLaunchKernelEx(&launch.config(), kernel, params);
  }
  static const char* unsupported(const KernelArgs& args) {
    constexpr int kMaxGridRows = 65535;  // of a grid's second and third axis
    if (!(args.scale > 0)) return "the softmax scale must be positive";
    if (Rows::heads(args) > kMaxGridRows || args.batch > kMaxGridRows)
      return "more than 65535 heads or batches";
    if (Rows::rows(args) * C::kHeadDim > 0x7fffffff) return "too many query rows";
    return misaligned(args);
  }

  __device__ static __forceinline__ KeyReach reach_of(const KernelArgs& args, const Rows& rows,
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
        // Protects the stages: V of this block and K of the next have arrived for all warps, and no warp
        // still reads the stage that is filled next.
        __syncthreads();
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
#pragma unroll
      for (int i = 0; i < static_cast<int>(sizeof(Scores) / sizeof(float)); ++i)
        (&current[0][0][0])[i] = (&next[0][0][0])[i];
    }
  }

  // The loop step by step: scores, softmax, P·V. Warps of other blocks on the multiprocessor fill the gaps.
  __device__ static __forceinline__ void plain_loop(const Params& params, const Rows& rows, Warp& warp,
                                                    const KeyReach& parked, const KvStream<C>& stream) {
    Scores scores;
    const int last_step = stream.last * C::kSteps;
#pragma unroll 1
    for (int step = stream.first * C::kSteps; step < last_step; ++step) {
      if (step % C::kSteps == 0) {
        ptx::cp_async_wait<(C::kStages == 1 ? 0 : C::kStages - 2)>();
        // Protects the stages: K of this block (and V, with several stages) has arrived for all warps, and no
        // warp still reads the stage that is filled next.
        __syncthreads();
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
        __syncthreads();  // protects both buffers: V has arrived, and every warp has read K
        stream.issue_keys(step + 1);
      }
      if (visible) {
        warp.template advance<true, false, false>(params, rows, scores, scores, keys, values, key);
      }
    }
  }

  // This block's place in the grid, this warp's in the block, and the block's shared memory.
  struct Place {
    int in_head;  // of the query tile
    int share;    // of the tile's keys
    int tiles;    // of a head
    int warp_index = static_cast<int>(threadIdx.x / 32);
    int warp_row = warp_index % C::kRowWarps * C::kWarpRows;
    int split_warp = warp_index / C::kRowWarps;
    unsigned char* smem = ptx::dynamic_smem();
    std::uint32_t smem_begin = ptx::smem_address(smem);
  };

  // One query tile against the keys of `stream`, from the first load to the last store.
  __device__ static __forceinline__ void attend(const Params& params, const Args& args, const Rows& rows,
                                                const KvStream<C>& stream, const Place& place) {
    // First loads: Q (and the first K with overlap), then the stages.
    using T = typename Operands::T;
    const T* q = head_pointer(static_cast<const T*>(args.q), args.q_stride, rows.batch, rows.head);
    cp_async_tile<typename C::Smem, C::kBlockQ, C::kThreads>(
        place.smem_begin, q, rows.begin, rows.count,
        [&](int row) { return rows.offset(args.q_stride, row); });
    stream.start();

    const Operands operands(params, rows.batch, rows.head_kv());
    Warp warp(operands, place.smem_begin, place.warp_row, rows.begin, first_key_in_block());
    if constexpr (C::kRagged) {
      // Once, however many warps and blocks split the keys.
      if (args.tables.sinks != nullptr && place.share == 0 && place.split_warp == 0)
        warp.count_sinks(args.tables.sinks, rows);
    }
    KeyReach& reach = reinterpret_cast<KeyReach*>(place.smem + C::kReachAt)[place.warp_index];
    if (warp.lane() == 0) reach = reach_of(args, rows, stream, warp.row_begin);
    stream.wait_for_query();
    __syncthreads();  // protects Q, the warps' reach and, with overlap, the first K: all have arrived
    warp.load_query_to_registers();

    if constexpr (C::kOverlap) {
      overlapped_loop(params, rows, warp, reach, stream);
    } else {
      plain_loop(params, rows, warp, reach, stream);
    }
    warp.reduce_row_sums();

    if constexpr (C::kSplit) {
      const std::int64_t partial =
          first_partial<C>(args, place.in_head, place.tiles, static_cast<int>(blockIdx.y), rows.batch) +
          place.share;
      merge_and_store<C>(args, rows, warp, place.smem, place.warp_row, place.split_warp, place.share,
                         partial);
    } else {
      Operands::visit_output_type(params, [&]<class Out>(Out) {
        store_output<C, Out>(args, rows, warp, place.smem, place.warp_row);
      });
    }
  }

  __device__ static void run(const Params& params) {
    // In this order: any other changes the machine code.
    const KernelArgs& args = params.args;
    const int place_in_head = static_cast<int>(blockIdx.x) / C::kShares;
    const int share = static_cast<int>(blockIdx.x) % C::kShares;
    const int tiles = static_cast<int>(gridDim.x) / C::kShares;
    const Rows rows(args, params.group, C::kBlockQ, place_in_head, tiles, static_cast<int>(blockIdx.y),
                    static_cast<int>(blockIdx.z));
    const Place place{place_in_head, share, tiles};
    const KvStream<C> stream(args, rows, place.smem_begin, share);

    ptx::wait_for_previous_grid();
    ptx::launch_dependent_grid();
    attend(params, args, rows, stream, place);
  }
};

}  // namespace flashcore::kernels
