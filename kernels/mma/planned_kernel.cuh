// mma by a plan: batches of unequal lengths, with tasks of equal cost for all blocks of a persistent grid.
//
// Idea: plan() deals the keys of all query tiles to the blocks that a card holds at once (blocks/work_plan.hpp); a launch
// reads the plan. A block takes its tasks one after the other through the mma pipeline. A task that several blocks share
// leaves partial results in the workspace, and a second pass adds them in the order of the keys.
//
// Against ragged_kernel.cuh: a long sequence among short ones is shared by as many blocks as its cost is worth; there are
// no blocks without rows; splits write partial results only where a task is shared; a page is looked up once for its row
// of K and V, one block of keys ahead. Query heads of a KV head share tiles of any size.
//
// Limits: those of mma; head_dim 32, 64, 128 and 256. Predictions and measurements: NOTES.md.
#pragma once

#include <limits>

#include "kernels/blocks/work_plan_kernel.cuh"
#include "kernels/mma/planned_merge.cuh"
#include "kernels/mma/planned_stream.cuh"
#include "kernels/mma/ragged_kernel.cuh"

namespace flashcore::kernels {

inline constexpr std::string_view kE4m3KvProblemFields[] = {"lengths", "kv", "sinks", "kv_dtype=e4m3"};

template <class C>
struct PlannedMmaParams : RaggedParams<typename C::Operands::Params> {
  WorkPlan plan;
  int heads = 0;  // of the plan's tasks

  PlannedMmaParams() = default;
  PlannedMmaParams(const AttentionArgs& a, const WorkShape& shape)
      : RaggedParams<typename C::Operands::Params>(a), plan(a.plan, shape), heads(shape.heads) {}
};

template <VariantSpec S>
struct PlannedMmaKernel : MmaPipeline<S> {
  using Pipeline = MmaPipeline<S>;
  using C = MmaConfig<S>;
  using Params = PlannedMmaParams<C>;
  using SequenceParams = typename C::Operands::Params;
  using Args = typename C::Args;
  using Rows = typename Pipeline::Rows;
  using Warp = typename Pipeline::Warp;

  static constexpr const char* kFamily = MmaKernel<S>::kFamily;
  static constexpr const char* kSummary = MmaKernel<S>::kSummary;
  static constexpr int kMinComputeCapability = MmaKernel<S>::kMinComputeCapability;
  static constexpr std::span<const std::string_view> kProblemFields =
      C::kE4m3Kv ? std::span<const std::string_view>(kE4m3KvProblemFields)
                 : std::span<const std::string_view>(kRaggedProblemFields);

  static constexpr const char* invalid() {
    return C::kPlanned ? C::invalid() : "PlannedMmaKernel is for planned tiles";
  }
  static int workers() { return planned_workers(C::kSmemBytes, C::kMinBlocksPerSm); }
  static dim3 grid(const KernelArgs&) { return {static_cast<unsigned>(workers()), 1, 1}; }
  static std::int64_t grid_blocks(const KernelArgs&) { return workers(); }

  static WorkShape work_shape(const AttentionArgs& args) {
    constexpr double kBlockBytes = 2.0 * C::kBlockBytes;  // of K and V
    constexpr double kFlopsPerRow = 4.0 * C::kBlockKv * C::kHeadDim;
    WorkShape shape{.sequences = args.sequences,
                    .window = args.mask.window(),
                    .heads = args.heads_kv,
                    .rows_per_query = args.heads_q / args.heads_kv,
                    .block_q = C::kBlockQ,
                    .block_kv = C::kBlockKv,
                    .row_group = C::kWarpRows,
                    .workers = workers()};
    shape.costs = work_costs(kBlockBytes, kFlopsPerRow * C::kWarpRows, shape.workers);
    shape.capacity = shape.most_items();
    return shape;
  }
  static std::size_t plan_bytes(const AttentionArgs& args) { return WorkPlan::bytes(work_shape(args)); }
  static cudaError_t plan(const AttentionArgs& args, cudaStream_t stream) {
    return launch_work_plan(work_shape(args), args.plan, stream);
  }
  static std::size_t workspace_bytes(const KernelArgs&) {
    return static_cast<std::size_t>(partial_slots(workers())) * C::Partial::kBytes;
  }

  static const char* unsupported(const AttentionArgs& args) {
    if (C::kPaged && !args.kv.is_paged()) return "compiled for paged caches";
    if (!C::kPaged && args.kv.is_paged()) return "compiled for contiguous K and V";
    if (!C::kPaged && !args.sequences.is_ragged()) return "compiled for ragged batches";
    if constexpr (C::kE4m3Kv) {
      if (const char* reason = unsupported_e4m3_kv(args)) return reason;
    }
    const WorkShape shape = work_shape(args);
    if (shape.capacity * shape.heads > std::numeric_limits<int>::max() - shape.workers)
      return "more than 2^31 query tiles";
    return Pipeline::unsupported(args);
  }
  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t, Params& params) {
    if (args.plan == nullptr || args.workspace == nullptr) return cudaErrorInvalidValue;
    params = Params(args, work_shape(args));
    return cudaSuccess;
  }
  static cudaError_t finish(const AttentionArgs& args, cudaStream_t stream) {
    const WorkShape shape = work_shape(args);
    return launch_merge<typename C::Operands::T, typename C::Partial>(
        {.args = args,
         .tables = SequenceTables(args),
         .group = FastDivisor(shape.rows_per_query),
         .plan = WorkPlan(args.plan, shape),
         .tile_rows = shape.block_q},
        shape.workers, stream);
  }

  // One task, from the first load to the last store. Its partial result goes to `partial`, if that is not null.
  __device__ static __forceinline__ void attend(const SequenceParams& params, const Args& args,
                                                const Rows& rows, const KvStream<C>& stream,
                                                const typename Pipeline::Place& place, bool counts_sinks,
                                                unsigned char* partial) {
    using T = typename C::Operands::T;
    const T* q = head_pointer(static_cast<const T*>(args.q), args.q_stride, rows.batch, rows.head);
    cp_async_tile<typename C::Smem, C::kBlockQ, C::kThreads>(
        place.smem_begin, q, rows.begin, rows.count,
        [&](int row) { return rows.offset(args.q_stride, row); });
    stream.start();

    const typename C::Operands operands(params, rows.batch, rows.head_kv());
    Warp warp(operands, place.smem_begin, place.warp_row, rows.begin, Pipeline::first_key_in_block());
    // Once, however many warps and blocks split the keys.
    const bool has_sinks = args.tables.sinks != nullptr && counts_sinks && place.split_warp == 0;
    if (!C::kE4m3Kv && has_sinks) warp.count_sinks(args.tables.sinks, rows);
    KeyReach& reach = reinterpret_cast<KeyReach*>(place.smem + C::kReachAt)[place.warp_index];
    if (warp.lane() == 0) reach = Pipeline::reach_of(args, rows, stream, warp.row_begin);
    stream.wait_for_query();
    __syncthreads();  // protects Q and the warps' reach: all have arrived
    if constexpr (C::kE4m3Kv) {
      auto* const factors = reinterpret_cast<float*>(place.smem + C::kRowScalesAt);
      arrange_query<C>(place.smem, factors);
      __syncthreads();  // protects Q and the factors of its rows: all are written before any is read
      if constexpr (C::kScaledQuery) warp.row_factors.load(factors, place.warp_row);
    }
    warp.load_query_to_registers();
    Pipeline::plain_loop(params, rows, warp, reach, stream);
    if constexpr (C::kE4m3Kv) {
      if (has_sinks) add_sinks(warp, args.tables.sinks, rows);
    }
    warp.reduce_row_sums();
    if constexpr (C::kE4m3Kv) scale_output(warp, warp.operands.values);

    if constexpr (C::kSplit) {
      merge_warps<C>(args, rows, warp, place.smem, place.warp_row, place.split_warp, partial);
    } else if (partial != nullptr) {
      store_partial<C>(warp, partial, place.warp_row);
    } else {
      store_output<C, T>(args, rows, warp, place.smem, place.warp_row);
    }
  }

  __device__ static void run(const Params& params) {
    // Before the plan and lengths are read, which a previous grid may have written.
    ptx::wait_for_previous_grid();
    ptx::launch_dependent_grid();
    const typename Pipeline::Place place{.in_head = 0, .share = 0, .tiles = 1};
    const int worker = static_cast<int>(blockIdx.x);
    WorkerTasks tasks(params.plan, params.heads, static_cast<int>(gridDim.x), worker);
    WorkTask task;
#pragma unroll 1
    while (tasks.next(task)) {
      Args args(params.args, params.tables, task.item.sequence);
      Rows rows(args, params.group, C::kBlockQ, 0, 1, task.head, task.item.sequence);
      rows.begin = task.item.tile * C::kBlockQ;
      args.seen =
          keys_of_any(args, rows.query(rows.begin), rows.query(min(rows.begin + C::kBlockQ, rows.count) - 1));
      const KvStream<C> stream(args, rows.head_kv(), place.smem_begin, task.item.first_block + task.begin,
                               task.item.first_block + task.end);
      SequenceParams of_sequence = params;
      of_sequence.args = args;
      of_sequence.mask = DiagonalMask(args);
      unsigned char* partial = task.is_whole() ? nullptr
                                               : partial_at<typename C::Partial>(
                                                     params.args, partial_slot(worker, task.is_first()));
      attend(of_sequence, args, rows, stream, place, task.is_first(), partial);
      // Protects shared memory: every warp has read what the next task's copies overwrite.
      __syncthreads();
    }
  }
};

}  // namespace flashcore::kernels
