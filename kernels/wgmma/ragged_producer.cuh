// The producer warpgroup for batches of sequences: one warp copies K and V, one copies Q, one finds tiles.
#pragma once

#include "kernels/wgmma/ragged_schedule.cuh"

namespace flashcore::kernels {

template <class L>
struct RaggedProducer {
  const RaggedWgmmaParams& params;
  WgmmaSmem<L> smem;
  int lane;

  using Ring = RingPosition<L::kStages>;

  // In the order in which consumers need them: K of a block before V of the previous block.
  __device__ void copy_keys_and_values() {
    Ring k_ring, v_ring;
    RaggedSource<L> tasks{smem};
    for (; tasks.next(); tasks.release()) {
      const RaggedTask& task = tasks.task();
      const int begin = tasks.uniform(task.seen.begin);
      const int end = tasks.uniform(task.seen.end);
      if (begin >= end) continue;
      const int first = begin / L::kBlockKv;
      int block = ceil_div(end, L::kBlockKv) - 1;
      // Looked up two blocks ahead of use, so that no copy waits for the table.
      Box here = box_of(task, block);
      Box next = box_of(task, block - 1);
      copy_block(Operand::k, task, here, k_ring);
      for (; block >= first; --block) {
        const Box after = box_of(task, block - 2);
        if (block > first) copy_block(Operand::k, task, next, k_ring);
        copy_block(Operand::v, task, here, v_ring);
        here = next;
        next = after;
      }
    }
  }

  __device__ void copy_queries() {
    RingPosition<L::kQSlots> ring;
    RaggedSource<L> tasks{smem};
    for (; tasks.next(); tasks.release(), ring.advance()) {
      if (lane != 0) continue;
      const RaggedTask& task = tasks.task();
      for (int c = 0; c < L::kConsumers; ++c) {
        const std::uint32_t full = smem.q_full(c, ring.slot);
        // Protects O, which leaves through this slot.
        mbarrier_wait(smem.q_empty(c, ring.slot), ring.parity ^ 1);
        ptx::mbarrier_arrive_expect_bytes(full, params.q_bytes);
        const int query = task.first_query + c * params.box_queries;
        for (int panel = 0; panel < L::kPanels; ++panel) {
          ptx::copy_box_to_smem(smem.q(c, ring.slot) + panel * L::kQPanelBytes, &params.q,
                                row_coordinate<L>(params, task, panel * L::kColumns, query), full);
        }
      }
    }
  }

 private:
  // The rows of a block that this lane copies: box_keys of them, from key `key` on. Boxes that no row of the tile sees
  // are not copied; their pages may not even exist.
  struct Box {
    bool copied;
    int row;    // within the page, or of the tensor
    int batch;  // the page, or the batch coordinate
  };

  __device__ Box box_of(const RaggedTask& task, int block) const {
    const int in_block = lane * params.box_keys;
    const int key = block * L::kBlockKv + in_block;
    Box box{
        .copied = in_block < L::kBlockKv && key + params.box_keys > task.seen.begin && key < task.seen.end,
        .row = 0,
        .batch = 0};
    if (!box.copied) return box;
    if constexpr (L::kPaged) {
      const SequenceTables& tables = params.tables;
      const int place = tables.page_size.quotient(key);
      box.row = key - place * tables.page_size.divisor;
      box.batch = tables.page_table[task.sequence * tables.page_table_stride + place];
    } else {
      box.row = task.key_row + key;
      box.batch = task.sequence * params.kv_batch_step;
    }
    return box;
  }

  // One block of K or V into one stage: each lane copies its box.
  __device__ void copy_block(Operand operand, const RaggedTask& task, const Box& box, Ring& ring) {
    const CUtensorMap* map = operand == Operand::k ? &params.k : &params.v;
    const std::uint32_t full = smem.full(operand, ring.slot);
    const int boxes = __popc(__ballot_sync(kAllLanes, box.copied));
    // Protects the stage: all products have read it.
    mbarrier_wait(smem.empty(operand, ring.slot), ring.parity ^ 1);
    const int box_bytes = params.box_keys * kPanelRowBytes;
    if (lane == 0) ptx::mbarrier_arrive_expect_bytes(full, boxes * L::panels(operand) * box_bytes);
    __syncwarp();  // protects the count of bytes: they are announced before they arrive
    if (box.copied) {
      const std::uint32_t target = smem.stage(operand, ring.slot) + lane * box_bytes;
      const int head_kv = params.order.group.quotient(task.head);
      for (int panel = 0; panel < L::panels(operand); ++panel) {
        ptx::copy_box_to_smem(target + panel * L::panel_bytes(operand), map,
                              {panel * L::kColumns, box.row, head_kv, box.batch}, full);
      }
    }
    ring.advance();
  }
};

}  // namespace flashcore::kernels
