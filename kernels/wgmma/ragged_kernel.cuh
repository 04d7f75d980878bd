// wgmma for batches of sequences, with attention sinks: variants of their own, so that the machine code of the others
// stays what it is.
//
// Idea: the wgmma pipeline, with tiles found on the device. A third warp of the producer numbers the tiles of all
// sequences without gaps and describes each in shared memory (ragged_schedule.cuh), so that nobody else reads lengths
// and no block works on a tile without queries. The copy engine brings whole boxes of K and V. Of a box that ends behind
// the sequence, consumers clear the rows of V that they do not see before they multiply. A tile of O that is not whole
// is stored row by row. A row's sink is its first maximum. Packed rows take any group up to 64: a box has as many
// queries of all its heads as fit.
//
// Paged caches: a lane per box, of gcd(page_size, block_kv) rows, looks its page up two blocks ahead and copies it. With
// paged = 2, for pages that give smaller boxes, two warps copy row by row (row_copies.cuh).
//
// Limits: those of wgmma, without clusters and tiles that are not persistent; with paged = 1, boxes of at least 16 rows.
// Predictions and measurements: NOTES.md.
#pragma once

#include <span>
#include <string_view>

#include "kernels/wgmma/kernel.cuh"
#include "kernels/wgmma/ragged_consumer.cuh"
#include "kernels/wgmma/ragged_producer.cuh"
#include "kernels/wgmma/row_copies.cuh"

namespace flashcore::kernels {

inline constexpr std::string_view kRaggedWgmmaProblemFields[] = {"lengths", "kv", "sinks"};

// The same tile for batches whose lengths are read on the device, with K and V contiguous or in pages.
constexpr Tile ragged_wgmma(Tile tile) {
  tile.ragged = 1;
  return tile;
}
constexpr Tile paged_wgmma(Tile tile) {
  tile.ragged = tile.paged = 1;
  return tile;
}
// For pages of any size, whose rows are copied one by one.
constexpr Tile small_pages_wgmma(Tile tile) {
  tile.ragged = 1;
  tile.paged = 2;
  return tile;
}

template <VariantSpec S>
struct RaggedWgmmaKernel : WgmmaPipeline<S, RaggedOperands> {
  using Pipeline = WgmmaPipeline<S, RaggedOperands>;
  using L = WgmmaLayout<S>;
  using Rows = QueryRows<L::kPackGqa>;
  using Params = RaggedWgmmaParams;

  static constexpr const char* kFamily = WgmmaKernel<S>::kFamily;
  static constexpr const char* kSummary = WgmmaKernel<S>::kSummary;
  static constexpr std::span<const std::string_view> kProblemFields = kRaggedWgmmaProblemFields;
  // Producers need more registers than those of the other tiles: they find tiles and look up pages.
  static constexpr RegisterShare registers() {
    if (L::kCopiesRows) return L::kConsumers == 1 ? RegisterShare{72, 184} : RegisterShare{72, 216};
    if (L::kConsumers == 3) return {56, 152};
    if (L::kPlanned) return L::kConsumers == 1 ? RegisterShare{56, 200} : RegisterShare{56, 224};
    return register_share(L::kConsumers, Pipeline::kMinBlocksPerSm, L::kFragmentRegisters, true);
  }
  static constexpr RegisterShare kRegisters = registers();

  static constexpr const char* invalid() {
    static_assert(sizeof(TaskOf<L>) <= L::kTileSlotBytes);
    if (!L::kRagged) return "RaggedWgmmaKernel is for ragged tiles";
    if (L::kCluster > 1) return "a ragged tile has no cluster";
    if (S.tile.schedule == 0) return "a ragged tile must be persistent";
    if (S.tile.overlap == 0) return "a ragged tile needs overlap";
    if (L::kCopiesRows && (L::kConsumers > 2 || Pipeline::kMinBlocksPerSm > 2))
      return "rows are copied with one or two consumers";
    return Pipeline::invalid();
  }

  static const char* unsupported(const AttentionArgs& args) {
    if (L::kPaged && !args.kv.is_paged()) return "compiled for paged caches";
    if (!L::kPaged && args.kv.is_paged()) return "compiled for contiguous K and V";
    if (!L::kPaged && !args.sequences.is_ragged()) return "compiled for ragged batches";
    if (const char* reason = unsupported_sizes(args)) return reason;
    if (!(args.scale > 0)) return "the scale must be positive: it is folded into the exponent";
    const Sequences& s = args.sequences;
    for (const Strides& stride :
         {with_batch_stride(args.q_stride, s.total_q > 0), with_batch_stride(args.out_stride, s.total_q > 0),
          with_batch_stride(args.kv.k, s.total_k > 0), with_batch_stride(args.kv.v, s.total_k > 0)}) {
      if (const char* reason = unmappable(stride, S.dtype)) return reason;
    }
    return misaligned(args);
  }

  static std::int64_t grid_blocks(const KernelArgs& args) {
    const std::int64_t tiles = tiles_of_maxima(args);
    return std::clamp<std::int64_t>(tiles, 1, Pipeline::concurrent_tiles());
  }

  static std::size_t workspace_bytes(const KernelArgs&) { return Pipeline::kCounterBytes; }

  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t stream, RaggedWgmmaParams& params) {
    auto* counter = static_cast<int*>(args.workspace);
    set_sizes_and_scales<L>(args, counter, params);
    if (const cudaError_t error = Pipeline::reset(counter, stream); error != cudaSuccess) return error;
    const RaggedTensors tensors(args, S.dtype, params.box_queries, params.box_keys, L::kPackGqa);
    cudaError_t error = encode_tensor_map(params.q, tensors.q);
    if (error == cudaSuccess) error = encode_tensor_map(params.out, tensors.out);
    if (L::kCopiesRows) return error;
    if (error == cudaSuccess) error = encode_tensor_map(params.k, tensors.k);
    if (error == cudaSuccess) error = encode_tensor_map(params.v, tensors.v);
    return error;
  }

  __device__ static void run(const RaggedWgmmaParams& params) {
    run_tasks(params, [&](WgmmaSmem<L> smem, int lane) { RaggedDrawer<L>{params, smem, lane}.run(); });
  }

 protected:
  // draw(smem, lane) passes the block's tasks on to all other warps.
  template <class Draw>
  __device__ static __forceinline__ void run_tasks(const RaggedWgmmaParams& params, Draw draw) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    const WgmmaSmem<L> smem{ptx::smem_address(ptx::dynamic_smem())};
    if (threadIdx.x == 0) {
      for (const CUtensorMap* map : {&params.q, &params.out}) ptx::prefetch_tensor_map(map);
      if constexpr (!L::kCopiesRows) {
        for (const CUtensorMap* map : {&params.k, &params.v}) ptx::prefetch_tensor_map(map);
      }
      smem.initialise_barriers();
    }
    __syncthreads();  // protects the mbarriers: they are initialised for the copy engine and all warps
    // Protects lengths, tables and sinks as well as tensors from previous grids: all warps read some of them.
    ptx::wait_for_previous_grid();
    ptx::launch_dependent_grid();
    const int warpgroup = __shfl_sync(kAllLanes, threadIdx.x / kWarpgroupThreads, 0);
    if (warpgroup == 0) {
      produce(params, smem, draw);
    } else {
      ptx::acquire_registers<kRegisters.consumer>();
      RaggedConsumer<L> state{{.params = params,
                               .smem = smem,
                               .consumer = warpgroup - 1,
                               .thread = static_cast<int>(threadIdx.x) % kWarpgroupThreads}};
      state.run();
    }
#endif
  }

 private:
  static constexpr std::int64_t tiles_of_maxima(const KernelArgs& args) {
    const int group = args.heads_q / args.heads_kv;
    const int box_queries = L::kPackGqa ? kWarpgroupRows / group : kWarpgroupRows;
    if (box_queries == 0) return 1;  // which unsupported() refuses
    return ceil_div(std::int64_t{args.seq_q}, L::kConsumers * box_queries) * Rows::heads(args) * args.batch;
  }

  static const char* unsupported_sizes(const AttentionArgs& args) {
    const Sequences& s = args.sequences;
    if (L::kPackGqa && args.heads_q / args.heads_kv > kWarpgroupRows)
      return "more than 64 query heads per KV head share no tile";
    for (const std::int64_t rows : {std::int64_t{s.seq_q} + s.seq_kv, s.total_q, s.total_k}) {
      if (rows > KeyBounds::kMaxRows) return "too many queries and keys";
    }
    if (tiles_of_maxima(args) > std::numeric_limits<int>::max() / 2) return "too many query tiles";
    if (!L::kPaged || L::kCopiesRows) return nullptr;
    const int box_keys = box_keys_of(args.kv.page_size, L::kBlockKv);
    if (box_keys < 16 || box_keys % kSwizzleAtomRows != 0)
      return "the greatest common divisor of page_size and block_kv must be at least 16, and a multiple of 8";
    if (args.kv.pages > std::numeric_limits<int>::max()) return "too many pages";
    return nullptr;
  }

  template <class Draw>
  __device__ static __forceinline__ void produce(const RaggedWgmmaParams& params, WgmmaSmem<L> smem,
                                                 Draw draw) {
    ptx::release_registers<kRegisters.producer>();
    const int warp = __shfl_sync(kAllLanes, threadIdx.x / kWarpSize, 0);
    const int lane = threadIdx.x % kWarpSize;
    RaggedProducer<L> producer{params, smem, lane};
    if (warp == 1) producer.copy_queries();
    if (warp == 2) draw(smem, lane);
    if constexpr (L::kCopiesRows) {
      if (warp == 0 || warp == 3) RowCopies<L>{params, smem, lane, warp / 3}.copy_keys_and_values();
    } else {
      if (warp == 0) producer.copy_keys_and_values();
    }
  }
};

}  // namespace flashcore::kernels
