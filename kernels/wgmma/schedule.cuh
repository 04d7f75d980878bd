// Which tile a block (or cluster) works on next, in which order, and which keys a tile sees.
//
// Tiles are numbered so that running in order is kind to L2 and leaves the shortest for the end. Heads are
// taken in sections whose K and V fit in L2 together; within a section of a masked problem the longest rows
// of tiles come first, all heads of a row side by side.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/attention_args.hpp"
#include "kernels/common/block_position.cuh"
#include "kernels/wgmma/layout.cuh"

namespace flashcore::kernels {

// K and V of a section of heads; an H100 has 50 MB of L2, and Q and O pass through it as well.
inline constexpr std::int64_t kSectionBytes = std::int64_t{32} << 20;

struct TileOrder {
  int tiles_per_head;
  int section_heads;
  int heads;  // batch · heads_q
  int tiles;
  bool longest_first;
};

inline TileOrder make_tile_order(const AttentionArgs& args, Dtype dtype, int tile_rows) {
  TileOrder order{};
  order.tiles_per_head = static_cast<int>(ceil_div(args.seq_q, tile_rows));
  order.heads = args.batch * args.heads_q;
  order.tiles = order.tiles_per_head * order.heads;
  order.longest_first = args.window_right >= 0;
  order.section_heads = 1;
  if (order.longest_first) {
    const auto row_bytes = static_cast<std::int64_t>(2 * size_bytes(dtype)) * args.head_dim;  // of K and V
    const std::int64_t head_bytes = row_bytes * args.seq_kv;
    const std::int64_t heads = kSectionBytes / head_bytes * (args.heads_q / args.heads_kv);
    order.section_heads = static_cast<int>(std::clamp<std::int64_t>(heads, 1, order.heads));
  }
  return order;
}

// The tile's place; row_begin is that of the cluster's first block.
__device__ inline BlockPosition tile_position(const AttentionArgs& args, const TileOrder& order,
                                              int tile_rows, int tile) {
  const int section_tiles = order.tiles_per_head * order.section_heads;
  const int section = tile / section_tiles;
  const int within = tile - section * section_tiles;
  const int first_head = section * order.section_heads;
  const int heads = min(order.section_heads, order.heads - first_head);
  const int row_tile = within / heads;
  const int head_index = first_head + within - row_tile * heads;
  const int head = head_index % args.heads_q;
  return {.batch = head_index / args.heads_q,
          .head = head,
          .head_kv = head / (args.heads_q / args.heads_kv),
          .row_begin = (order.longest_first ? order.tiles_per_head - 1 - row_tile : row_tile) * tile_rows};
}

// KV blocks [begin, end) that some query of rows [row_begin, row_begin + rows) sees.
struct BlockRange {
  int begin;
  int end;
};

__device__ inline BlockRange visible_blocks(const AttentionArgs& args, int row_begin, int rows,
                                            int block_kv) {
  const int last_row = min(row_begin + rows, args.seq_q) - 1;
  const KeyRange keys{visible_keys(args, row_begin).begin, visible_keys(args, last_row).end};
  return {keys.begin / block_kv, keys.end <= keys.begin ? 0 : (keys.end + block_kv - 1) / block_kv};
}

// KV blocks [begin, end) that need no mask: every query of the rows sees every key of them.
__device__ inline BlockRange unmasked_blocks(const AttentionArgs& args, int row_begin, int rows,
                                             int block_kv) {
  const int last_row = min(row_begin + rows, args.seq_q) - 1;
  return {(visible_keys(args, last_row).begin + block_kv - 1) / block_kv,
          visible_keys(args, row_begin).end / block_kv};
}

// The tiles of one block or cluster, one after the other. Schedule 0: one tile. 1: every gridDim-th, in
// alternating direction, so that long and short tiles even out. 2: from a counter in global memory, passed on
// through shared memory by the warp that draws (TileDrawer).
template <class L>
struct TileSource {
  const TileOrder& order;
  WgmmaSmem<L> smem;
  int round = 0;
  RingPosition<2> ring{};

  // False when there is no further tile. With schedule 2 called by whole warps.
  __device__ bool next(int& tile) {
    if constexpr (L::spec.tile.schedule == 2) {
      return read_slot(tile);
    } else {
      const int blocks = static_cast<int>(gridDim.x) / L::kCluster;
      const int block = static_cast<int>(blockIdx.x) / L::kCluster;
      tile = round * blocks + (round % 2 == 0 ? block : blocks - 1 - block);
      const bool more = L::spec.tile.schedule == 0 ? round == 0 : tile < order.tiles;
      ++round;
      return more;
    }
  }

 private:
  __device__ bool read_slot(int& tile) {
    mbarrier_wait(smem.tile_full(ring.slot), ring.parity);
    tile = load_shared_int(smem.tile_slot(ring.slot));
    // From one lane, so that the compiler knows it the same for all. All lanes have read the slot after this:
    // it may be written again.
    tile = __shfl_sync(0xffffffffu, tile, 0);
    if (threadIdx.x % 32 == 0) mbarrier_arrive(smem.tile_empty(ring.slot));
    ring.advance();
    return tile < order.tiles;
  }
};

// Draws tiles for schedule 2: one thread a block.
template <class L>
struct TileDrawer {
  const TileOrder& order;
  WgmmaSmem<L> smem;
  int* counter;
  bool first = true;
  RingPosition<2> ring{};

  // The next tile, also handed to all TileSources of this block; false when there is none.
  __device__ bool next(int& tile) {
    mbarrier_wait(smem.tile_empty(ring.slot), ring.parity ^ 1);
    tile = static_cast<int>(blockIdx.x);
    if (!first) tile = static_cast<int>(gridDim.x) + atomicAdd(counter, 1);
    first = false;
    store_shared_int(smem.tile_slot(ring.slot), tile);
    mbarrier_arrive(smem.tile_full(ring.slot));
    ring.advance();
    return tile < order.tiles;
  }
};

}  // namespace flashcore::kernels
