#include "emulated/machine/barriers.hpp"

#include "emulated/machine/failure.hpp"
#include "emulated/machine/scheduler.hpp"

namespace flashcore::emulated {
namespace {

void arrive(Barrier& barrier, const char* name, int id, int threads) {
  if (barrier.arrived == 0) barrier.expected = threads;
  if (barrier.expected != threads) {
    fail("thread {} counts {} threads at {} {}, others {}", current_thread().index, threads, name, id,
         barrier.expected);
  }
  if (++barrier.arrived < barrier.expected) return;
  barrier.arrived = 0;
  ++barrier.completions;
}

void sync(Barrier& barrier, const char* name, int id, int threads) {
  const unsigned completions = barrier.completions;
  arrive(barrier, name, id, threads);
  wait_until([&] { return barrier.completions != completions; },
             [&] {
               return fmt::format("{} {}, at which {} of {} threads have arrived", name, id, barrier.arrived,
                                  barrier.expected);
             });
}

Barrier& named_barrier(int id) {
  if (id < 0 || id >= kNamedBarriers) fail("there is no barrier {}", id);
  return current_block().barriers[static_cast<std::size_t>(id)];
}

}  // namespace

void named_barrier_sync(int id, int threads) { sync(named_barrier(id), "barrier", id, threads); }

void named_barrier_arrive(int id, int threads) { arrive(named_barrier(id), "barrier", id, threads); }

void block_sync() { named_barrier_sync(0, static_cast<int>(current_block().threads.size())); }

void cluster_sync() {
  Cluster& cluster = current_cluster();
  const auto threads = cluster.blocks.size() * cluster.blocks.front().threads.size();
  sync(cluster.barrier, "cluster barrier", 0, static_cast<int>(threads));
}

}  // namespace flashcore::emulated
