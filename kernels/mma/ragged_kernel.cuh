// mma for ragged batches, paged caches and attention sinks: variants of their own, so that the machine code of the
// others stays what it is.
//
// Idea: the mma pipeline, one sequence at a time. The grid follows from the longest lengths only; a block reads the
// lengths of its sequence, leaves when its query tile lies past the last query, and masks by the sequence's own
// diagonal. Keys that no row of the tile sees are neither read nor looked up in the page table, and are zero in shared
// memory: what is stored there may be NaN, and 0 · NaN would reach O. A row's sink is its first maximum, counted by the
// first share of the keys.
//
// Limits: those of mma; each row of K and V is looked up separately, whatever the page size. Measurements: NOTES.md.
#pragma once

#include <span>
#include <string_view>

#include "kernels/mma/kernel.cuh"

namespace flashcore::kernels {

inline constexpr std::string_view kRaggedProblemFields[] = {"lengths", "kv", "sinks"};

// `Base` are the parameters of a kernel without tables.
template <class Base>
struct RaggedParams : Base {
  SequenceTables tables;

  RaggedParams() = default;
  explicit RaggedParams(const AttentionArgs& a) : Base(a), tables(a) {}
};
using RaggedMmaParams = RaggedParams<MmaParams>;

// The second pass of a split over blocks, as merge_workspace_kernel().
template <class C>
__global__ void __launch_bounds__(kSecondPassThreads)
    merge_ragged_workspace_kernel(const __grid_constant__ RaggedMmaParams params) {
  ptx::wait_for_previous_grid();  // before lengths are read, which a previous grid may have written
  const int tiles = static_cast<int>(QueryRows<C::kPackGqa>::tiles(params.args, C::kBlockQ));
  const int batch = static_cast<int>(blockIdx.z);
  const typename C::Args args(params.args, params.tables, batch);
  merge_workspace_chunk<C>(args, params.group, tiles, batch);
}

template <VariantSpec S>
struct RaggedMmaKernel : MmaPipeline<S> {
  using Pipeline = MmaPipeline<S>;
  using C = MmaConfig<S>;
  using Params = RaggedMmaParams;
  using Args = typename C::Args;
  using Rows = QueryRows<C::kPackGqa>;

  static constexpr const char* kFamily = MmaKernel<S>::kFamily;
  static constexpr const char* kSummary = MmaKernel<S>::kSummary;
  static constexpr int kMinComputeCapability = MmaKernel<S>::kMinComputeCapability;
  static constexpr std::span<const std::string_view> kProblemFields = kRaggedProblemFields;

  static constexpr const char* invalid() {
    return C::kRagged ? C::invalid() : "RaggedMmaKernel is for ragged tiles";
  }
  static const char* unsupported(const AttentionArgs& args) {
    if (C::kPaged && !args.kv.is_paged()) return "compiled for paged caches";
    if (!C::kPaged && args.kv.is_paged()) return "compiled for contiguous K and V";
    if (!C::kPaged && !args.sequences.is_ragged()) return "compiled for ragged batches";
    return Pipeline::unsupported(args);
  }
  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t, RaggedMmaParams& params) {
    params = RaggedMmaParams(args);
    return cudaSuccess;
  }
  static cudaError_t finish(const AttentionArgs& args, cudaStream_t stream) {
    if constexpr (C::kSplitBlocks > 1) {
      return Pipeline::launch_second_pass(args, stream, merge_ragged_workspace_kernel<C>,
                                          RaggedMmaParams(args));
    }
    return cudaSuccess;
  }

  __device__ static void run(const RaggedMmaParams& params) {
    // Before lengths are read, which a previous grid may have written.
    ptx::wait_for_previous_grid();
    ptx::launch_dependent_grid();
    const typename Pipeline::Place place{.in_head = static_cast<int>(blockIdx.x) / C::kShares,
                                         .share = static_cast<int>(blockIdx.x) % C::kShares,
                                         .tiles = static_cast<int>(gridDim.x) / C::kShares};
    const int batch = static_cast<int>(blockIdx.z);
    Args args(params.args, params.tables, batch);
    const Rows rows(args, params.group, C::kBlockQ, place.in_head, place.tiles, static_cast<int>(blockIdx.y),
                    batch);
    if (rows.begin >= rows.count) return;  // all blocks that share this tile
    args.seen =
        keys_of_any(args, rows.query(rows.begin), rows.query(min(rows.begin + C::kBlockQ, rows.count) - 1));
    const KvStream<C> stream(args, rows, place.smem_begin, place.share);
    MmaParams of_sequence = params;
    of_sequence.args = args;
    of_sequence.mask = DiagonalMask(args);
    Pipeline::attend(of_sequence, args, rows, stream, place);
  }
};

}  // namespace flashcore::kernels
