// wgmma by a plan: batches of unequal lengths, with tasks of equal cost for all blocks of a persistent grid.
//
// Idea: plan() deals the keys of all query tiles to the blocks that a card holds at once (blocks/work_plan.hpp). The
// third warp of the producer reads a block's tasks from the plan and passes them on through the slots that it uses for
// ragged batches (ragged_kernel.cuh). A task has a range of key blocks, visited from the last to the first. A task with
// some of its tile's keys leaves a partial result in the workspace; a second pass adds partial results in the order of
// the keys.
//
// Against ragged_kernel.cuh: a long sequence is shared by as many blocks as its cost is worth, all blocks end at about
// the same time, and prompts run beside single queries. A consumer without rows skips its products, so that single
// queries fit into tiles of several consumers.
//
// Limits: those of ragged_kernel.cuh; query heads of a KV head share tiles. Predictions and measurements: NOTES.md.
#pragma once

#include <limits>

#include "kernels/blocks/work_plan_kernel.cuh"
#include "kernels/wgmma/planned_schedule.cuh"
#include "kernels/wgmma/ragged_kernel.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct PlannedWgmmaKernel : RaggedWgmmaKernel<S> {
  using Ragged = RaggedWgmmaKernel<S>;
  using L = WgmmaLayout<S>;
  using T = typename RaggedOperands<L>::T;
  using Partial = PartialTile<L::kHeadDim, S.tile.block_q>;
  using Params = PlannedWgmmaParams;

  static constexpr const char* invalid() {
    if (!L::kPlanned) return "PlannedWgmmaKernel is for planned tiles";
    if (!L::kPackGqa) return "planned tiles pack query heads";
    if (L::kConsumers > 2) return "planned tiles have one or two consumers";
    if (Ragged::kMinBlocksPerSm > 2)
      return "a third block per multiprocessor has too few registers for a plan";
    return Ragged::invalid();
  }

  static int workers() { return planned_workers(L::kSmemBytes, Ragged::kMinBlocksPerSm); }
  static std::int64_t grid_blocks(const KernelArgs&) { return workers(); }

  static WorkShape work_shape(const AttentionArgs& args) {
    const int group = args.heads_q / args.heads_kv;
    const int box_rows = std::max(1, kWarpgroupRows / group) * group;  // a larger group is unsupported()
    WorkShape shape{.sequences = args.sequences,
                    .window = args.mask.window(),
                    .heads = args.heads_kv,
                    .rows_per_query = group,
                    .block_q = L::kConsumers * box_rows,
                    .block_kv = L::kBlockKv,
                    .row_group = box_rows,
                    .workers = workers()};
    // All 64 rows of a consumer are multiplied, in less time than mma.sync would take.
    constexpr double kTimeOfMma = 0.75;
    constexpr double kBlockFlops = 4.0 * kWarpgroupRows * L::kBlockKv * L::kHeadDim;
    shape.costs = work_costs(L::kKStageBytes + L::kVStageBytes, kTimeOfMma * kBlockFlops, shape.workers);
    shape.capacity = shape.most_items();
    return shape;
  }
  static std::size_t plan_bytes(const AttentionArgs& args) { return WorkPlan::bytes(work_shape(args)); }
  static cudaError_t plan(const AttentionArgs& args, cudaStream_t stream) {
    return launch_work_plan(work_shape(args), args.plan, stream);
  }
  static std::size_t workspace_bytes(const KernelArgs&) {
    return static_cast<std::size_t>(partial_slots(workers())) * Partial::kBytes;
  }

  static const char* unsupported(const AttentionArgs& args) {
    if (const char* reason = Ragged::unsupported(args)) return reason;
    const WorkShape shape = work_shape(args);
    if (shape.capacity * shape.heads > std::numeric_limits<int>::max() - shape.workers)
      return "more than 2^31 query tiles";
    return nullptr;
  }

  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t stream, PlannedWgmmaParams& params) {
    if (args.plan == nullptr || args.workspace == nullptr) return cudaErrorInvalidValue;
    params.plan = WorkPlan(args.plan, work_shape(args));
    params.multiprocessors = CurrentDevice().multiprocessors();
    return Ragged::prepare(args, stream, params);
  }
  static cudaError_t finish(const AttentionArgs& args, cudaStream_t stream) {
    const WorkShape shape = work_shape(args);
    return launch_merge<T, Partial>({.args = args,
                                     .tables = SequenceTables(args),
                                     .group = FastDivisor(shape.rows_per_query),
                                     .plan = WorkPlan(args.plan, shape),
                                     .tile_rows = shape.block_q},
                                    shape.workers, stream);
  }

  __device__ static void run(const PlannedWgmmaParams& params) {
    Ragged::run_tasks(params, [&](WgmmaSmem<L> smem, int lane) {
      PlannedDrawer<L>{params, smem, lane}.run();
    });
  }
};

}  // namespace flashcore::kernels
