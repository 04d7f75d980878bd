#include "emulated/machine/launch.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "emulated/machine/failure.hpp"
#include "emulated/machine/scheduler.hpp"

namespace flashcore::emulated {
namespace {

std::mt19937_64 seeds;

// Stacks are kept from launch to launch.
Fiber* fiber(std::size_t index) {
  static std::vector<std::unique_ptr<Fiber>> fibers;
  while (fibers.size() <= index) fibers.push_back(std::make_unique<Fiber>());
  return fibers[index].get();
}

unsigned cluster_blocks(const cudaLaunchConfig_t& config) {
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    if (config.attrs[i].id == cudaLaunchAttributeClusterDimension) return config.attrs[i].val.clusterDim.x;
  }
  return 1;
}

void fill_block(Block& block, Cluster& cluster, int rank, const cudaLaunchConfig_t& config) {
  block.cluster = &cluster;
  block.memory = SharedMemory(rank, static_cast<int>(config.dynamicSmemBytes));
  block.memory.poison();
  block.threads = std::vector<Thread>(config.blockDim.x);
  block.threads_left = static_cast<int>(config.blockDim.x);
  block.warps = std::vector<Warp>(config.blockDim.x / kWarpLanes);
  for (std::size_t i = 0; i < block.threads.size(); ++i) {
    block.threads[i].block = &block;
    block.threads[i].index = static_cast<int>(i);
    block.threads[i].fiber = fiber(static_cast<std::size_t>(rank) * config.blockDim.x + i);
  }
}

void run_cluster(const cudaLaunchConfig_t& config, uint3 first_block, const std::function<void()>& body) {
  Cluster cluster;
  cluster.blocks = std::vector<Block>(cluster_blocks(config));
  for (unsigned rank = 0; rank < cluster.blocks.size(); ++rank) {
    cluster.blocks[rank].index = {first_block.x + rank, first_block.y, first_block.z};
    fill_block(cluster.blocks[rank], cluster, static_cast<int>(rank), config);
  }
  Scheduler(cluster, body, seeds()).run();
  for (const Block& block : cluster.blocks) block.memory.check_guard();
}

void check(const cudaLaunchConfig_t& config) {
  if (config.blockDim.x == 0 || config.blockDim.x > 1024 || config.blockDim.x % kWarpLanes != 0 ||
      config.blockDim.y != 1 || config.blockDim.z != 1) {
    fail("blocks of {} x {} x {} threads are not emulated", config.blockDim.x, config.blockDim.y,
         config.blockDim.z);
  }
  const unsigned cluster = cluster_blocks(config);
  if (cluster > kMaxClusterBlocks || config.gridDim.x % cluster != 0) {
    fail("a grid of {} blocks in clusters of {}", config.gridDim.x, cluster);
  }
}

}  // namespace

void set_schedule_seed(std::uint64_t seed) {
  seeds.seed(seed);
  set_poison(seed % 2 == 1 ? kNanPoison : kLargePoison);
}

void launch_grid(const cudaLaunchConfig_t& config, const std::function<void()>& body) {
  check(config);
  gridDim = config.gridDim;
  blockDim = config.blockDim;
  const unsigned step = cluster_blocks(config);
  std::vector<uint3> clusters;
  for (unsigned z = 0; z < config.gridDim.z; ++z) {
    for (unsigned y = 0; y < config.gridDim.y; ++y) {
      for (unsigned x = 0; x < config.gridDim.x; x += step) clusters.push_back({x, y, z});
    }
  }
  std::ranges::shuffle(clusters, seeds);
  for (const uint3& first : clusters) run_cluster(config, first, body);
}

}  // namespace flashcore::emulated
