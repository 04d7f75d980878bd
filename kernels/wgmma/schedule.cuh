// Which tile a block (or cluster) works on next, in which order, and which keys a tile sees.
//
// Rows of a tile are queries of one query head. Packed, they are those of all query heads of one KV head,
// which so reads its keys and values once for them: row r is query r >> group_shift of head r mod
// 2^group_shift, whereby 64 rows are a box of the copy engine.
//
// Tiles are numbered so that running in order is kind to L2 and leaves the shortest for the end. Heads are
// taken in sections whose K and V fit in L2 together; within a section of a masked problem the longest rows
// of tiles come first, all heads of a row side by side.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "core/attention_args.hpp"
#include "kernels/common/query_rows.cuh"
#include "kernels/wgmma/layout.cuh"

namespace flashcore::kernels {

// K and V of a section of heads; an H100 has 50 MB of L2, and Q and O pass through it as well.
inline constexpr std::int64_t kSectionBytes = std::int64_t{32} << 20;

struct TileOrder {
  int tiles_per_head;
  int section_heads;
  int heads;  // batch · heads_q, or batch · heads_kv when packed
  int tiles;
  bool longest_first;
  int group_shift;  // packed: log2 of the query heads a KV head
};

// Null, or why query heads cannot share a tile.
constexpr const char* unpackable(const AttentionArgs& args) {
  const int group = args.heads_q / args.heads_kv;
  if (group > kWarpgroupRows || (group & (group - 1)) != 0)
    return "the query heads of one KV head must be a power of two, at most 64, to share a tile";
  if (args.seq_q > std::numeric_limits<int>::max() / (2 * kWarpgroupRows))
    return "too many queries for packed rows";
  return nullptr;
}

template <class L>
TileOrder make_tile_order(const AttentionArgs& args) {
  using Rows = QueryRows<L::kPackGqa>;
  TileOrder order{};
  const int group = args.heads_q / args.heads_kv;
  order.group_shift = L::kPackGqa ? std::countr_zero(static_cast<unsigned>(group)) : 0;
  order.tiles_per_head = static_cast<int>(Rows::tiles(args, L::kClusterRows));
  order.heads = args.batch * Rows::heads(args);
  order.tiles = order.tiles_per_head * order.heads;
  order.longest_first = args.window_right >= 0;
  order.section_heads = 1;
  if (order.longest_first) {
    const auto row_bytes =
        static_cast<std::int64_t>(2 * size_bytes(L::spec.dtype)) * args.head_dim;  // of K and V
    const std::int64_t head_bytes = row_bytes * args.seq_kv;
    const std::int64_t heads = kSectionBytes / head_bytes * (L::kPackGqa ? 1 : group);
    order.section_heads = static_cast<int>(std::clamp<std::int64_t>(heads, 1, order.heads));
  }
  return order;
}

// The tile's place; row_begin is that of the cluster's first block. Packed, `head` is the first of the group.
template <class L>
__device__ inline BlockPosition tile_position(const AttentionArgs& args, const TileOrder& order, int tile) {
  const int section_tiles = order.tiles_per_head * order.section_heads;
  const int section = tile / section_tiles;
  const int within = tile - section * section_tiles;
  const int first_head = section * order.section_heads;
  const int heads = min(order.section_heads, order.heads - first_head);
  const int row_tile = within / heads;
  const int head_index = first_head + within - row_tile * heads;
  const int row_begin =
      (order.longest_first ? order.tiles_per_head - 1 - row_tile : row_tile) * L::kClusterRows;
  if constexpr (L::kPackGqa) {
    const int head_kv = head_index % args.heads_kv;
    return {.batch = head_index / args.heads_kv,
            .head = head_kv << order.group_shift,
            .head_kv = head_kv,
            .row_begin = row_begin};
  }
  const int head = head_index % args.heads_q;
  return {.batch = head_index / args.heads_q,
          .head = head,
          .head_kv = head / (args.heads_q / args.heads_kv),
          .row_begin = row_begin};
}

template <class L>
__device__ inline int query_of(const TileOrder& order, int row) {
  return L::kPackGqa ? row >> order.group_shift : row;
}

template <class L>
__device__ inline int head_of(const TileOrder& order, const BlockPosition& at, int row) {
  return L::kPackGqa ? at.head + (row & ((1 << order.group_shift) - 1)) : at.head;
}

// Where the copy engine finds the 64 rows from `row` on, in Q and in O: as WgmmaTensors has described these.
template <class L>
__device__ inline TensorCoordinate row_coordinate(const TileOrder& order, const BlockPosition& at, int column,
                                                  int row) {
  if constexpr (L::kPackGqa) return {column, at.head, query_of<L>(order, row), at.batch};
  return {column, row, at.head, at.batch};
}

// The queries that some rows are, from the first to the last of those that exist.
struct QueryRange {
  int first;
  int last;
};

template <class L>
__device__ inline QueryRange queries_of(const AttentionArgs& args, const TileOrder& order, int row_begin,
                                        int rows) {
  if constexpr (L::kPackGqa) {
    return {query_of<L>(order, row_begin), min(query_of<L>(order, row_begin + rows - 1), args.seq_q - 1)};
  }
  return {row_begin, min(row_begin + rows, args.seq_q) - 1};
}

// KV blocks [begin, end) that some of the queries sees.
struct BlockRange {
  int begin;
  int end;
};

__device__ inline BlockRange visible_blocks(const AttentionArgs& args, QueryRange queries, int block_kv) {
  const KeyRange keys{visible_keys(args, queries.first).begin, visible_keys(args, queries.last).end};
  return {keys.begin / block_kv, keys.end <= keys.begin ? 0 : (keys.end + block_kv - 1) / block_kv};
}

// KV blocks [begin, end) that need no mask: every one of the queries sees every key of them.
__device__ inline BlockRange unmasked_blocks(const AttentionArgs& args, QueryRange queries, int block_kv) {
  return {(visible_keys(args, queries.last).begin + block_kv - 1) / block_kv,
          visible_keys(args, queries.first).end / block_kv};
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
