// The tasks that a plan (blocks/work_plan.hpp) deals to a block: one warp reads them and passes each on to all others
// through shared memory, as RaggedDrawer does.
#pragma once

#include "kernels/wgmma/ragged_schedule.cuh"

namespace flashcore::kernels {

struct PlannedWgmmaParams : RaggedWgmmaParams {
  WorkPlan plan;
  int multiprocessors;  // that share the workers
};

// Half of the workers go through their tasks backwards, so that prompts and single queries, which follow each other in a
// batch, run at the same time: tensor cores and memory are busy together. Of the blocks of a multiprocessor every other
// one does, or with one block each every other multiprocessor.
__device__ inline bool goes_backwards(int worker, int workers, int multiprocessors) {
  return (workers > multiprocessors ? worker / multiprocessors : worker) % 2 != 0;
}

template <class L>
struct PlannedDrawer {
  const PlannedWgmmaParams& params;
  WgmmaSmem<L> smem;
  int lane;

  __device__ void run() {
    const int worker = static_cast<int>(blockIdx.x);
    const int workers = static_cast<int>(gridDim.x);
    const bool backwards = goes_backwards(worker, workers, params.multiprocessors);
    WorkerTasks tasks(params.plan, params.args.heads_kv, workers, worker);
    RingPosition<L::kTileSlots> ring{};
    WorkTask work;
    bool found = true;
    while (found) {
      found = backwards ? tasks.next_backwards(work) : tasks.next(work);
      PlannedTask task{};
      task.sequence = -1;
      if (found) describe(work, worker, task);
      mbarrier_wait(smem.tile_empty(ring.slot), ring.parity ^ 1);  // protects the slot: all have read it
      if (lane == 0) {
        *task_slot<L>(ring.slot) = task;
        ptx::mbarrier_arrive(smem.tile_full(ring.slot));
      }
      ring.advance();
    }
  }

 private:
  __device__ void describe(const WorkTask& work, int worker, PlannedTask& task) const {
    const RaggedTiles<L> tiles{params, lane};
    const int heads = params.order.batch_heads.divisor;
    const int rows = ceil_div(params.tables.sequences.queries(work.item.sequence), tiles.tile_queries());
    const int row = params.order.longest_first ? rows - 1 - work.item.tile : work.item.tile;
    tiles.describe(work.item.sequence, row * heads + work.head, rows * heads, task);
    const int first = work.item.first_block;
    task.seen.begin = max(task.seen.begin, (first + work.begin) * L::kBlockKv);
    task.seen.end = min(task.seen.end, (first + work.end) * L::kBlockKv);
    task.partial = work.is_whole() ? -1 : partial_slot(worker, work.is_first());
    task.counts_sinks = work.is_first();
  }
};

}  // namespace flashcore::kernels
