// The tiles of a batch of sequences: one warp of a block finds them and passes each on to all others through shared
// memory.
//
// Tiles are numbered without gaps, sequence after sequence: a sequence without queries has none, and a short one costs
// no block that a long one would need. Within a sequence all heads of a row of tiles lie side by side, and under a mask
// the longest rows come first, so that the tiles that a launch ends with are short.
#pragma once

#include "kernels/wgmma/ragged_params.cuh"

namespace flashcore::kernels {

// One tile: all that producers and consumers need to know of it.
struct alignas(16) RaggedTask {
  int sequence;     // -1: there is no further tile
  int head;         // the first query head
  int first_query;  // of the tile, within the sequence
  int queries;      // of the sequence
  int query_row;    // where the sequence begins in Q and O
  int key_row;      // where it begins in K and V; 0 if paged
  KeyRange seen;    // keys that some query of the tile sees
  KeyBounds bounds;
};

// A tile, or a part of its keys, that a plan deals to a block.
struct PlannedTask : RaggedTask {
  int partial;        // the slot of its partial result; -1: it has all keys of the tile
  bool counts_sinks;  // one task of a tile does
};
template <class L>
using TaskOf = std::conditional_t<L::kPlanned, PlannedTask, RaggedTask>;

// Numbers of tiles of 32 sequences, one per lane; the window moves over the batch, because a block's tile numbers only
// rise.
template <class L>
struct RaggedTiles {
  const RaggedWgmmaParams& params;
  int lane;
  int first_sequence = -kWarpSize;
  int tiles_before = 0;  // of earlier windows
  int tiles = 0;         // of this lane's sequence
  int tiles_up_to = 0;   // of this and earlier lanes' sequences

  __device__ int tile_queries() const { return L::kConsumers * params.box_queries; }

  __device__ void load_window() {
    const Sequences& sequences = params.tables.sequences;
    const int sequence = first_sequence + lane;
    const int queries = sequence < sequences.batch ? sequences.queries(sequence) : 0;
    tiles = ceil_div(queries, tile_queries()) * params.order.batch_heads.divisor;
    tiles_up_to = tiles;
#pragma unroll
    for (int distance = 1; distance < kWarpSize; distance *= 2) {
      const int below = __shfl_sync(kAllLanes, tiles_up_to, max(lane - distance, 0));
      if (lane >= distance) tiles_up_to += below;
    }
  }

  // By a whole warp: every lane gets the same task. False when there is no such tile.
  __device__ bool find(int tile, RaggedTask& task) {
    int in_window = __shfl_sync(kAllLanes, tiles_up_to, kWarpSize - 1);
    while (tile - tiles_before >= in_window) {
      tiles_before += in_window;
      first_sequence += kWarpSize;
      if (first_sequence >= params.tables.sequences.batch) return false;
      load_window();
      in_window = __shfl_sync(kAllLanes, tiles_up_to, kWarpSize - 1);
    }
    const int within_window = tile - tiles_before;
    const int owner = __ffs(static_cast<int>(__ballot_sync(kAllLanes, within_window < tiles_up_to))) - 1;
    const int owner_tiles = __shfl_sync(kAllLanes, tiles, owner);
    const int within = within_window - __shfl_sync(kAllLanes, tiles_up_to, owner) + owner_tiles;
    describe(first_sequence + owner, within, owner_tiles, task);
    return true;
  }

  // Tile `within` of a sequence that has `count` of them.
  __device__ void describe(int sequence, int within, int count, RaggedTask& task) const {
    const Sequences& sequences = params.tables.sequences;
    const FastDivisor& heads = params.order.batch_heads;
    const int rows = heads.quotient(count);
    const int row = heads.quotient(within);
    const int head = within - row * heads.divisor;
    KernelArgs args = params.args;
    args.seq_q = sequences.queries(sequence);
    args.seq_kv = sequences.keys(sequence);
    task.sequence = sequence;
    task.head = L::kPackGqa ? head * params.order.group.divisor : head;
    task.first_query = (params.order.longest_first ? rows - 1 - row : row) * tile_queries();
    task.queries = args.seq_q;
    task.query_row = static_cast<int>(sequences.first_query(sequence));
    task.key_row = L::kPaged ? 0 : static_cast<int>(sequences.first_key(sequence));
    task.bounds = KeyBounds(args);
    const int last_query = min(task.first_query + tile_queries(), task.queries) - 1;
    task.seen = keys_of_any(task.first_query, last_query, [&](int query) { return task.bounds.keys(query); });
  }
};

// Where the copy engine finds the box of queries from `query` on, in Q and in O, as RaggedTensors describes them.
template <class L>
__device__ inline ptx::TensorCoordinate row_coordinate(const RaggedWgmmaParams& params,
                                                       const RaggedTask& task, int column, int query) {
  const int row = task.query_row + query;
  const int batch = task.sequence * params.q_batch_step;
  if constexpr (L::kPackGqa) return {column, task.head, row, batch};
  return {column, row, task.head, batch};
}

template <class L>
__device__ inline TaskOf<L>* task_slot(int slot) {
  return reinterpret_cast<TaskOf<L>*>(ptx::dynamic_smem() + L::kTileSlotOffset + slot * L::kTileSlotBytes);
}

// Draws the tiles of a block: one warp.
template <class L>
struct RaggedDrawer {
  const RaggedWgmmaParams& params;
  WgmmaSmem<L> smem;
  int lane;

  __device__ void run() {
    RaggedTiles<L> tiles{params, lane};
    RingPosition<L::kTileSlots> ring{};
    RaggedTask task{};
    for (int round = 0;; ++round) {
      mbarrier_wait(smem.tile_empty(ring.slot), ring.parity ^ 1);  // protects the slot: all have read it
      const bool found = tiles.find(number(round), task);
      if (!found) task.sequence = -1;
      if (lane == 0) {
        *task_slot<L>(ring.slot) = task;
        ptx::mbarrier_arrive(smem.tile_full(ring.slot));
      }
      ring.advance();
      if (!found) return;
    }
  }

 private:
  // Schedule 1: every gridDim-th tile. 2: from a counter in global memory.
  __device__ int number(int round) const {
    const int first = static_cast<int>(blockIdx.x);
    const int step = static_cast<int>(gridDim.x);
    if constexpr (L::spec.tile.schedule == 2) {
      int tile = first;
      if (round > 0 && lane == 0) tile = step + atomicAdd(params.next_tile, 1);
      return __shfl_sync(kAllLanes, tile, 0);
    } else {
      return first + round * step;
    }
  }
};

// Reads what the drawer has written: whole warps. A task stays in its slot until it is released, so that it takes no
// registers.
template <class L>
struct RaggedSource {
  WgmmaSmem<L> smem;
  RingPosition<L::kTileSlots> ring{};

  // False when there is no further tile.
  __device__ bool next() {
    mbarrier_wait(smem.tile_full(ring.slot), ring.parity);  // protects the slot: the task is written
    return uniform(task().sequence) >= 0;
  }
  __device__ const TaskOf<L>& task() const { return *task_slot<L>(ring.slot); }
  // The lanes have read what they need, and synchronise: protects the slot from the next task.
  __device__ void release() {
    __syncwarp();
    if (threadIdx.x % 32 == 0) ptx::mbarrier_arrive(smem.tile_empty(ring.slot));
    ring.advance();
  }
  // From one lane, so that the compiler knows that all lanes have the same value.
  __device__ static int uniform(int value) { return __shfl_sync(kAllLanes, value, 0); }
};

}  // namespace flashcore::kernels
