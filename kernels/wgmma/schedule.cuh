// The order of tiles: which tile a block (or cluster) works on next, and which keys a tile sees.
//
// Rows of a tile are queries of one query head. Packed, they belong to all query heads of one KV head, whose
// keys and values are then read once for all of them: row r is query r >> group_shift of head r mod
// 2^group_shift, so that 64 rows are one box of the copy engine.
//
// The numbering of tiles serves L2 and memory, and puts the shortest tiles last. The tiles of a head lie side
// by side. A masked problem has tiles of different lengths; it takes heads in sections. A section has as many
// heads as the device works on at a time, so that tiles of all lengths run at the same time and memory serves
// K and V at an even rate. Within a section the longest rows of tiles come first, all heads of a row side by
// side. The last section is twice as large, so that its short tiles fill the gaps that long tiles leave at
// the end. Where blocks take every gridDim-th tile, sections alternate between longest first and longest
// last, so that each block gets long and short tiles. Larger sections would begin with the longest tiles of
// all their heads, which would wait for memory together.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/blocks/key_bounds.cuh"
#include "kernels/blocks/query_rows.cuh"
#include "kernels/common/kernel_args.hpp"
#include "kernels/wgmma/layout.cuh"

namespace flashcore::kernels {

// The most bytes of K and V in a section of heads; an H100 has 50 MB of L2, and Q and O pass through it as
// well.
inline constexpr std::int64_t kSectionBytes = std::int64_t{32} << 20;

struct TileOrder {
  int tiles;
  int tiles_per_head;
  bool longest_first;
  int group_shift;  // packed: log2 of the query heads per KV head
  int last_section;
  FastDivisor section_tiles;
  FastDivisor section_heads;
  FastDivisor last_section_heads;
  FastDivisor batch_heads;  // heads_q, or heads_kv when packed
  FastDivisor group;        // query heads per KV head
};

// Null, or the reason why query heads cannot share a tile.
constexpr const char* unpackable(const KernelArgs& args) {
  const int group = args.heads_q / args.heads_kv;
  if (group > kWarpgroupRows || (group & (group - 1)) != 0)
    return "the query heads of one KV head must be a power of two, at most 64, to share a tile";
  if (args.seq_q > std::numeric_limits<int>::max() / (2 * kWarpgroupRows))
    return "too many queries for packed rows";
  return nullptr;
}

// For a device that works on `blocks` tiles at a time.
template <class L>
TileOrder make_tile_order(const KernelArgs& args, int blocks) {
  using Rows = QueryRows<L::kPackGqa>;
  TileOrder order{};
  const int group = args.heads_q / args.heads_kv;
  const int heads = args.batch * Rows::heads(args);
  order.group_shift = L::kPackGqa ? std::countr_zero(static_cast<unsigned>(group)) : 0;
  order.tiles_per_head = static_cast<int>(Rows::tiles(args, L::kClusterRows));
  order.tiles = order.tiles_per_head * heads;
  order.longest_first = args.window.hides_later_keys();
  int section_heads = 1;
  int last_heads = 1;
  if (order.longest_first) {
    const auto row_bytes =
        static_cast<std::int64_t>(2 * size_bytes(L::spec.dtype)) * args.head_dim;  // of K and V
    const std::int64_t head_bytes = row_bytes * args.seq_kv;
    const std::int64_t fitting = kSectionBytes / head_bytes * (L::kPackGqa ? 1 : group);
    const auto heads_of = [&](std::int64_t tiles) {
      const std::int64_t rounded = (tiles + order.tiles_per_head / 2) / order.tiles_per_head;
      return static_cast<int>(std::clamp<std::int64_t>(std::min(rounded, fitting), 1, heads));
    };
    section_heads = heads_of(blocks);
    if (L::spec.tile.schedule != 1) last_heads = heads_of(2 * std::int64_t{blocks});
  }
  order.last_section = (heads - last_heads) / section_heads;
  order.section_tiles = FastDivisor(order.tiles_per_head * section_heads);
  order.section_heads = FastDivisor(section_heads);
  order.last_section_heads = FastDivisor(heads - order.last_section * section_heads);
  order.batch_heads = FastDivisor(Rows::heads(args));
  order.group = FastDivisor(group);
  return order;
}

// The tile's position; row_begin belongs to the cluster's first block. Packed, `head` is the first of the
// group.
template <class L>
__device__ inline BlockPosition tile_position(const TileOrder& order, int tile) {
  const int section = min(order.section_tiles.quotient(tile), order.last_section);
  const int within = tile - section * order.section_tiles.divisor;
  const FastDivisor& heads = section == order.last_section ? order.last_section_heads : order.section_heads;
  const int row_tile = heads.quotient(within);
  const int head_index = section * order.section_heads.divisor + within - row_tile * heads.divisor;
  const bool turned = L::spec.tile.schedule == 1 && (order.last_section - section) % 2 != 0;
  const int row_begin =
      (order.longest_first && !turned ? order.tiles_per_head - 1 - row_tile : row_tile) * L::kClusterRows;
  const int batch = order.batch_heads.quotient(head_index);
  const int head = head_index - batch * order.batch_heads.divisor;
  if constexpr (L::kPackGqa) {
    return {.batch = batch, .head = head << order.group_shift, .head_kv = head, .row_begin = row_begin};
  }
  return {.batch = batch, .head = head, .head_kv = order.group.quotient(head), .row_begin = row_begin};
}

template <class L>
__device__ inline int query_of(const TileOrder& order, int row) {
  return L::kPackGqa ? row >> order.group_shift : row;
}

template <class L>
__device__ inline int head_of(const TileOrder& order, const BlockPosition& at, int row) {
  return L::kPackGqa ? at.head + (row & ((1 << order.group_shift) - 1)) : at.head;
}

// Where the copy engine finds the 64 rows from `row` on, in Q and in O, as WgmmaTensors describes them.
template <class L>
__device__ inline ptx::TensorCoordinate row_coordinate(const TileOrder& order, const BlockPosition& at,
                                                       int column, int row) {
  if constexpr (L::kPackGqa) return {column, at.head, query_of<L>(order, row), at.batch};
  return {column, row, at.head, at.batch};
}

// The queries of some rows, from the first to the last that exists.
struct QueryRange {
  int first;
  int last;
};

template <class L>
__device__ inline QueryRange queries_of(const KernelArgs& args, const TileOrder& order, int row_begin,
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

__device__ inline BlockRange visible_blocks(const KeyBounds& bounds, QueryRange queries, int block_kv) {
  const KeyRange keys =
      keys_of_any(queries.first, queries.last, [&](int query) { return bounds.keys(query); });
  return {keys.begin / block_kv, keys.end <= keys.begin ? 0 : ceil_div(keys.end, block_kv)};
}

// KV blocks [begin, end) that need no mask: each of the queries sees all of their keys.
__device__ inline BlockRange unmasked_blocks(const KeyBounds& bounds, QueryRange queries, int block_kv) {
  return {ceil_div(bounds.keys(queries.last).begin, block_kv), bounds.keys(queries.first).end / block_kv};
}

// The tiles of one block or cluster, one after the other. Schedule 0: one tile. 1: every gridDim-th tile. 2:
// from a counter in global memory; TileDrawer passes its numbers on through shared memory.
template <class L>
struct TileSource {
  const TileOrder& order;
  WgmmaSmem<L> smem;
  int round = 0;
  RingPosition<2> ring{};

  // False when there is no further tile. With schedule 2, whole warps call it.
  __device__ bool next(int& tile) {
    if constexpr (L::spec.tile.schedule == 2) {
      return read_slot(tile);
    } else {
      tile = static_cast<int>(round * gridDim.x + blockIdx.x) / L::kCluster;
      const bool more = L::spec.tile.schedule == 0 ? round == 0 : tile < order.tiles;
      ++round;
      return more;
    }
  }

 private:
  __device__ bool read_slot(int& tile) {
    mbarrier_wait(smem.tile_full(ring.slot), ring.parity);  // protects the slot: the number is written
    tile = ptx::load_shared_int(smem.tile_slot(ring.slot));
    // From one lane, so that the compiler knows that all lanes have the same value. The shuffle also protects
    // the slot: all lanes have read it before the arrival lets it be written again.
    tile = __shfl_sync(kAllLanes, tile, 0);
    if (threadIdx.x % 32 == 0) ptx::mbarrier_arrive(smem.tile_empty(ring.slot));
    ring.advance();
    return tile < order.tiles;
  }
};

// Draws tiles for schedule 2: one thread per block.
template <class L>
struct TileDrawer {
  const TileOrder& order;
  WgmmaSmem<L> smem;
  int* counter;
  bool first = true;
  RingPosition<2> ring{};

  // The next tile, which all TileSources of this block get as well; false when there is none.
  __device__ bool next(int& tile) {
    mbarrier_wait(smem.tile_empty(ring.slot), ring.parity ^ 1);  // protects the slot: all have read it
    tile = static_cast<int>(blockIdx.x);
    if (!first) tile = static_cast<int>(gridDim.x) + atomicAdd(counter, 1);
    first = false;
    ptx::store_shared_int(smem.tile_slot(ring.slot), tile);
    ptx::mbarrier_arrive(smem.tile_full(ring.slot));
    ring.advance();
    return tile < order.tiles;
  }
};

}  // namespace flashcore::kernels
