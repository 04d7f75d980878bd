// The producer warpgroup: one thread copies K and V, one thread of another warp copies Q.
//
// Two warps, because a consumer gives a slot of Q back only after its output has been stored, while K and V
// of the next tile can be copied long before.
#pragma once

#include "kernels/wgmma/params.cuh"

namespace flashcore::kernels {

template <class L, class Params>
struct Producer {
  const Params& params;
  WgmmaSmem<L> smem;

  // By one thread, in the order in which consumers need them: K of a block before V of the previous block.
  __device__ void copy_keys_and_values() {
    RingPosition<L::kStages> k_ring, v_ring;
    auto tiles = [&] {
      if constexpr (L::spec.tile.schedule == 2) {
        return TileDrawer<L>{params.order, smem, params.next_tile};
      } else {
        return TileSource<L>{params.order, smem};
      }
    }();
    for (int tile; tiles.next(tile);) {
      const BlockPosition at = tile_position<L>(params.order, tile);
      const QueryRange queries = queries_of<L>(params.args, params.order, at.row_begin, L::kClusterRows);
      const BlockRange blocks = visible_blocks(params.bounds, queries, L::kBlockKv);
      if (blocks.begin >= blocks.end) continue;
      int block = blocks.end - 1;
      copy_block(Operand::k, at, block, k_ring);
      for (; block >= blocks.begin; --block) {
        if (block > blocks.begin) copy_block(Operand::k, at, block - 1, k_ring);
        copy_block(Operand::v, at, block, v_ring);
      }
    }
  }

  // By one warp, of which one lane copies: with schedule 2, reading the next tile takes a whole warp.
  __device__ void copy_queries(int lane) {
    RingPosition<L::kQSlots> ring;
    const int row_offset = cluster_block() * L::spec.tile.block_q;
    TileSource<L> tiles{params.order, smem};
    for (int tile; tiles.next(tile); ring.advance()) {
      if (lane != 0) continue;
      const BlockPosition at = tile_position<L>(params.order, tile);
      for (int c = 0; c < L::kConsumers; ++c) {
        const std::uint32_t full = smem.q_full(c, ring.slot);
        // Protects O, which leaves through this slot.
        mbarrier_wait(smem.q_empty(c, ring.slot), ring.parity ^ 1);
        ptx::mbarrier_arrive_expect_bytes(full, L::kQBytes);
        for (int panel = 0; panel < L::kPanels; ++panel) {
          ptx::copy_box_to_smem(smem.q(c, ring.slot) + panel * L::kQPanelBytes, &params.q,
                                row_coordinate<L>(params.order, at, panel * L::kColumns,
                                                  at.row_begin + row_offset + c * kWarpgroupRows),
                                full);
        }
      }
    }
  }

 private:
  __device__ static int cluster_block() {
    return L::kCluster > 1 ? static_cast<int>(ptx::cluster_rank()) : 0;
  }

  // One block of K or V into one stage. In a cluster each thread block copies its share of the rows into all
  // blocks. Rows are keys; in a transposed V they are columns of V.
  __device__ void copy_block(Operand operand, const BlockPosition& at, int block,
                             RingPosition<L::kStages>& ring) {
    const CUtensorMap* map = operand == Operand::k ? &params.k : &params.v;
    const std::uint32_t full = smem.full(operand, ring.slot);
    // Protects the stage: all products have read it.
    mbarrier_wait(smem.empty(operand, ring.slot), ring.parity ^ 1);
    ptx::mbarrier_arrive_expect_bytes(full, L::stage_bytes(operand));
    const int share = cluster_block() * (L::rows(operand) / L::kCluster);
    const bool transposed = L::kTransposedV && operand == Operand::v;
    const int first_column = transposed ? block * L::kBlockKv : 0;
    const int first_row = transposed ? share : block * L::kBlockKv + share;
    for (int panel = 0; panel < L::panels(operand); ++panel) {
      const std::uint32_t target =
          smem.stage(operand, ring.slot) + panel * L::panel_bytes(operand) + share * kPanelRowBytes;
      const ptx::TensorCoordinate from{first_column + panel * L::kColumns, first_row, at.head_kv, at.batch};
      if constexpr (L::kCluster > 1) {
        ptx::multicast_box_to_smem(target, map, from, full, (1u << L::kCluster) - 1);
      } else {
        ptx::copy_box_to_smem(target, map, from, full);
      }
    }
    ring.advance();
  }
};

}  // namespace flashcore::kernels
