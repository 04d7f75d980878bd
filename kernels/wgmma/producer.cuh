// The producer warpgroup: one thread brings K and V, one thread of another warp brings Q.
//
// Two warps, because a consumer gives a slot of Q back only after its output has left, while K and V of the
// next tile can come long before.
#pragma once

#include "kernels/wgmma/params.cuh"

namespace flashcore::kernels {

template <class L, class Params>
struct Producer {
  const Params& params;
  WgmmaSmem<L> smem;

  // By one thread. The order in which consumers ask: K of a block comes before V of the block before it.
  __device__ void bring_keys_and_values() {
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
      bring_block(Operand::k, at, block, k_ring);
      for (; block >= blocks.begin; --block) {
        if (block > blocks.begin) bring_block(Operand::k, at, block - 1, k_ring);
        bring_block(Operand::v, at, block, v_ring);
      }
    }
  }

  // By one warp, of which one lane copies: with schedule 2 reading the next tile takes a whole warp.
  __device__ void bring_queries(int lane) {
    RingPosition<L::kQSlots> ring;
    const int row_offset = cluster_block() * L::spec.tile.block_q;
    TileSource<L> tiles{params.order, smem};
    for (int tile; tiles.next(tile); ring.advance()) {
      if (lane != 0) continue;
      const BlockPosition at = tile_position<L>(params.order, tile);
      for (int c = 0; c < L::kConsumers; ++c) {
        const std::uint32_t full = smem.q_full(c, ring.slot);
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

  // One block of K or V into one stage. In a cluster each block of threads brings its share of the rows to
  // all. Rows are keys, but those of a transposed V are its columns.
  __device__ void bring_block(Operand operand, const BlockPosition& at, int block,
                              RingPosition<L::kStages>& ring) {
    const CUtensorMap* map = operand == Operand::k ? &params.k : &params.v;
    const std::uint32_t full = smem.full(operand, ring.slot);
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
