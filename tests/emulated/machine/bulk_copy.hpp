// Bulk tensor copies (PTX ISA, "cp.async.bulk.tensor").
//
// A load poisons its target when it is issued and fills it later, at a time that the scheduler chooses, at
// the latest when no thread can continue. A store reads its source when it is waited for, and throws if the
// source has changed since the issue.
#pragma once

#include <cstdint>
#include <vector>

#include "emulated/machine/tensor_map.hpp"

namespace flashcore::emulated {

class SharedMemory;
struct Cluster;

// A load in flight into one block.
struct BoxLoad {
  TensorMap map;
  BoxCoordinate from;
  int rank;  // of the block
  std::uint32_t smem;
  std::uint32_t barrier;
};

// By one thread. `blocks` has a bit for each block of the cluster that receives the box, at the same offset.
void issue_box_load(std::uint32_t smem, const CUtensorMap& map, BoxCoordinate from, std::uint32_t barrier,
                    std::uint32_t blocks);

// Completes a load.
void deliver(const Cluster& cluster, const BoxLoad& load);

// The stores of one thread.
class BoxStores {
 public:
  void issue(const CUtensorMap& map, BoxCoordinate to, std::uint32_t smem);
  // cp.async.bulk.commit_group.
  void commit();
  // cp.async.bulk.wait_group.read 0.
  void wait();
  // Throws when shared memory may still be read.
  void check_done() const;

 private:
  struct Store {
    TensorMap map;
    BoxCoordinate to;
    std::uint32_t smem;
    std::vector<unsigned char> source;  // as it was at issue
  };
  std::vector<Store> issued_;
  std::vector<Store> committed_;
};

}  // namespace flashcore::emulated
