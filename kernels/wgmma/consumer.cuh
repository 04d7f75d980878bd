// A consumer warpgroup: its tiles, one after the other, and their output.
#pragma once

#include "kernels/wgmma/key_loop.cuh"

namespace flashcore::kernels {

template <class L, class Operands>
struct Consumer : KeyLoop<L, Operands> {
  using Loop = KeyLoop<L, Operands>;
  using Loop::attend;
  using Loop::consumer;
  using Loop::o_acc;
  using Loop::operands;
  using Loop::output_leaving;
  using Loop::params;
  using Loop::pass_turn;
  using Loop::q_ring;
  using Loop::query;
  using Loop::release_output_slot;
  using Loop::row;
  using Loop::smem;
  using Loop::softmax;
  using Loop::stage_output;
  using Loop::thread;
  using Loop::unmasked;
  using Loop::wait_turn;

  __device__ __forceinline__ void write_log_sum_exp(const BlockPosition& at) const {
    if (params.args.lse == nullptr || thread % 4 != 0) return;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      if (query(r) >= params.args.seq_q) continue;
      params.args.lse[params.args.lse_index(at.batch, head_of<L>(params.order, at, row + 8 * r), query(r))] =
          log_sum_exp(softmax.log2_max(r, operands.log2_scale(params)), softmax.row_sum[r]);
    }
  }

  // O through Q's slot in shared memory, so that whole rows are stored at once and the copy engine clips the
  // tail.
  __device__ __forceinline__ void write_output(const BlockPosition& at) {
    const std::uint32_t place = stage_output();
    if (thread == 0) {  // whose row is the warpgroup's first
#pragma unroll
      for (int panel = 0; panel < L::kOutPanels; ++panel) {
        ptx::copy_box_to_global(&params.out, row_coordinate<L>(params.order, at, panel * kPanelColumns, row),
                                place + panel * L::kQPanelBytes);
      }
      ptx::bulk_commit();
    }
    output_leaving = true;
    q_ring.advance();
  }

  // --- All tiles of this block

  __device__ __forceinline__ void run() {
    const int block_rank = L::kCluster > 1 ? static_cast<int>(ptx::cluster_rank()) : 0;
    const int row_offset = block_rank * L::spec.tile.block_q + consumer * kWarpgroupRows;
    TileSource<L> tiles{params.order, smem};
    if (consumer == L::kConsumers - 1) pass_turn();  // the last consumer gives the first one its first turn
    for (int tile; tiles.next(tile);) {
      const BlockPosition at = tile_position<L>(params.order, tile);
      const int row_begin = at.row_begin + row_offset;
      row = row_begin + thread / 32 * 16 + thread % 32 / 4;
      const auto queries = [&](int begin, int rows) {
        return queries_of<L>(params.args, params.order, begin, rows);
      };
      const BlockRange blocks =
          visible_blocks(params.bounds, queries(at.row_begin, L::kClusterRows), L::kBlockKv);
      unmasked = unmasked_blocks(params.bounds, queries(row_begin, kWarpgroupRows), L::kBlockKv);
      softmax.reset();
#pragma unroll
      for (float& o : o_acc) o = 0;
      mbarrier_wait(smem.q_full(consumer, q_ring.slot), q_ring.parity);  // protects Q: its bytes have arrived
      operands.enter(params, at);
      if (blocks.begin < blocks.end) attend(blocks);
      softmax.finish();
      write_log_sum_exp(at);
      release_output_slot();
      write_output(at);
      if constexpr (L::kQSlots == 1) release_output_slot();
    }
    release_output_slot();           // protects the last O: it has been read before the block ends
    if (consumer == 0) wait_turn();  // for the last turn: every arrival has its wait
  }
};

}  // namespace flashcore::kernels
