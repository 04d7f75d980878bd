// Query tiles of a batch as items of a plan (work_plan.hpp), and their costs.
#pragma once

#include <cstdint>

#include "attention/mask.hpp"
#include "attention/sequences.hpp"
#include "kernels/common/indexing.hpp"

namespace flashcore::kernels {

// A query tile of one sequence, and the key blocks that its queries see: the same for each head.
struct alignas(16) WorkItem {
  int sequence = 0;
  int tile = 0;
  int first_block = 0;
  int blocks = 0;
};

// In one unit of time, for one worker while all are busy.
struct WorkCosts {
  int read = 0;      // of K and V of a key block, from device memory; tiles of a sequence share it
  int read_l2 = 0;   // of the same from L2, for each tile
  int products = 0;  // of a key block with row_group query rows
  int fixed = 0;     // of a task: its start, and the store of its result
};

// What a plan is made from. Its arrays of lengths are read where the plan is made.
struct WorkShape {
  Sequences sequences;
  Window window;
  WorkCosts costs;
  int heads = 0;           // tasks of an item
  int rows_per_query = 1;  // of a tile: the query heads of a KV head, if they share tiles
  int block_q = 0;         // rows of a tile
  int block_kv = 0;        // keys of a block
  int row_group = 0;       // rows whose products are skipped if they all lie past the last row
  int granularity = 1;     // tasks are cut at multiples of so many key blocks
  int workers = 0;
  std::int64_t capacity = 0;  // of items: most_items()

  // Tiles of a sequence with that many queries.
  constexpr std::int64_t tiles_of(std::int64_t queries) const {
    return queries <= 0 ? 0 : ceil_div(queries * rows_per_query, std::int64_t{block_q});
  }
  // The largest number of items that lengths within the maxima can make.
  constexpr std::int64_t most_items() const {
    const std::int64_t of_longest = sequences.batch * tiles_of(sequences.max_queries());
    if (!sequences.is_ragged()) return of_longest;
    const std::int64_t of_rows = sequences.total_q * rows_per_query / block_q + sequences.batch;
    return of_rows < of_longest ? of_rows : of_longest;
  }

  constexpr std::int64_t tiles(int sequence) const { return tiles_of(sequences.queries(sequence)); }

  // Item `index` of a sequence. Under a causal mask the longest come first.
  constexpr WorkItem item(int sequence, int index) const {
    const std::int32_t queries = sequences.queries(sequence);
    const std::int32_t keys = sequences.keys(sequence);
    const int tile = window.hides_later_keys() ? static_cast<int>(tiles_of(queries)) - 1 - index : index;
    const std::int64_t rows = std::int64_t{queries} * rows_per_query;
    const std::int64_t begin = std::int64_t{tile} * block_q;
    const std::int64_t last = (begin + block_q < rows ? begin + block_q : rows) - 1;
    const KeyRange seen = flashcore::keys_of_any(
        static_cast<std::int32_t>(begin / rows_per_query), static_cast<std::int32_t>(last / rows_per_query),
        [&](std::int32_t query) { return window.keys(query, queries, keys); });
    if (seen.end <= seen.begin) return {.sequence = sequence, .tile = tile};
    const int first = seen.begin / block_kv;
    return {.sequence = sequence,
            .tile = tile,
            .first_block = first,
            .blocks = ceil_div(seen.end, block_kv) - first};
  }

  constexpr std::int64_t block_cost(const WorkItem& item) const {
    const std::int64_t all_tiles = tiles(item.sequence);
    const std::int64_t rows =
        std::int64_t{sequences.queries(item.sequence)} * rows_per_query - std::int64_t{item.tile} * block_q;
    const std::int64_t groups = ceil_div(rows < block_q ? rows : block_q, std::int64_t{row_group});
    std::int64_t cost = costs.read / (all_tiles > 0 ? all_tiles : 1);
    if (cost < costs.read_l2) cost = costs.read_l2;
    if (cost < costs.products * groups) cost = costs.products * groups;
    return cost > 0 ? cost : 1;
  }
  // Of one head.
  constexpr std::int64_t cost(const WorkItem& item) const {
    return costs.fixed + item.blocks * block_cost(item);
  }
};

}  // namespace flashcore::kernels
