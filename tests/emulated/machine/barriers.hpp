// Barriers of a block and of a cluster.
#pragma once

namespace flashcore::emulated {

// bar.sync and bar.arrive: barrier `id` completes when `threads` threads have arrived (PTX ISA, "bar,
// barrier").
void named_barrier_sync(int id, int threads);
void named_barrier_arrive(int id, int threads);

// Barrier 0, by all threads of the block.
void block_sync();

// barrier.cluster.arrive and .wait, by all threads of all blocks (PTX ISA, "barrier.cluster").
void cluster_sync();

}  // namespace flashcore::emulated
