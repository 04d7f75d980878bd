// The state of a running cluster: blocks, their warps and threads, and the memory and copies of each.
#pragma once

#include <vector_types.h>

#include <array>
#include <vector>

#include "emulated/machine/async_copy.hpp"
#include "emulated/machine/barrier_state.hpp"
#include "emulated/machine/bulk_copy.hpp"
#include "emulated/machine/fiber.hpp"
#include "emulated/machine/shared_memory.hpp"
#include "emulated/machine/wgmma.hpp"

namespace flashcore::emulated {

inline constexpr int kWarpLanes = 32;

class Condition;
struct Block;
struct Cluster;

// Its lanes meet for each instruction that they execute together: the last one to arrive does the work for
// all.
struct Warp {
  const char* operation = nullptr;  // for which the lanes meet
  std::array<const void*, kWarpLanes> lanes{};
  int arrived = 0;
  unsigned meetings = 0;
  WgmmaQueue products;
};

struct Thread {
  Block* block = nullptr;
  int index = 0;  // in its block
  Fiber* fiber = nullptr;
  bool finished = false;
  const Condition* waits_for = nullptr;  // null: can go on
  CopyGroups copies;                     // of cp.async
  BoxStores stores;
  std::vector<std::uint32_t> unfenced_rows;  // written by stmatrix since the last fence.proxy.async

  int lane() const { return index % kWarpLanes; }
  Warp& warp() const;
};

struct Block {
  Cluster* cluster = nullptr;
  uint3 index{};
  SharedMemory memory;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::array<Barrier, kNamedBarriers> barriers;
  int threads_left = 0;  // threads that have not ended

  // Throws when the block has ended: no other block may use its shared memory then.
  void check_alive(const char* operation) const;
};

struct Cluster {
  std::vector<Block> blocks;
  Barrier barrier;
  std::vector<BoxLoad> loads;  // in flight
};

inline Warp& Thread::warp() const { return block->warps[static_cast<std::size_t>(index / kWarpLanes)]; }

// The thread whose code runs.
Thread& current_thread();
inline Block& current_block() { return *current_thread().block; }
inline Cluster& current_cluster() { return *current_block().cluster; }

}  // namespace flashcore::emulated
