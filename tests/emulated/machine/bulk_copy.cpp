#include "emulated/machine/bulk_copy.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "emulated/machine/block.hpp"
#include "emulated/machine/failure.hpp"
#include "emulated/machine/mbarrier.hpp"

namespace flashcore::emulated {
namespace {

constexpr std::uint32_t kBoxAlignment = 128;

// Calls visit(address in the tensor, or null outside of it, address in shared memory) for each element of a
// box.
template <class Visit>
void for_elements(const TensorMap& map, BoxCoordinate at, const SharedMemory& memory, std::uint32_t smem,
                  const Visit& visit) {
  const BoxCoordinate first = at;
  for (int row = 0; row < map.box_rows * map.box_heads; ++row) {
    at = {first.column, first.row + row % map.box_rows, first.head + row / map.box_rows, first.batch};
    for (std::uint32_t begin = 0; begin < TensorMap::kRowBytes; begin += TensorMap::kChunkBytes) {
      const std::uint32_t offset = smem + static_cast<std::uint32_t>(row) * TensorMap::kRowBytes + begin;
      unsigned char* chunk =
          memory.at(swizzle_128(offset), TensorMap::kChunkBytes, TensorMap::kChunkBytes, "bulk copy");
      const unsigned char* end = chunk + TensorMap::kChunkBytes;
      for (; chunk != end; chunk += map.element_bytes, ++at.column) visit(map.element(at), chunk);
    }
  }
}

// The copy engine sees writes only after the writing thread's fence (PTX ISA, "membar/fence", proxy fences).
void check_fenced(const Block& block, std::uint32_t smem, std::uint32_t bytes) {
  for (const Thread& thread : block.threads) {
    for (const std::uint32_t row : thread.unfenced_rows) {
      if (row >= smem && row < smem + bytes) {
        fail("a bulk store of rows that thread {} wrote without fence.proxy.async", thread.index);
      }
    }
  }
}

}  // namespace

void issue_box_load(std::uint32_t smem, const CUtensorMap& map, BoxCoordinate from, std::uint32_t barrier,
                    std::uint32_t blocks) {
  Cluster& cluster = current_cluster();
  const TensorMap decoded = decode(map);
  if (blocks >> cluster.blocks.size() != 0) fail("a multicast into blocks that the cluster does not have");
  for (int rank = 0; rank < static_cast<int>(cluster.blocks.size()); ++rank) {
    if ((blocks >> rank & 1) == 0) continue;
    unsigned char* target = cluster.blocks[static_cast<std::size_t>(rank)].memory.at(
        smem, decoded.box_bytes(), kBoxAlignment, "cp.async.bulk.tensor");
    poison(target, decoded.box_bytes());
    cluster.loads.push_back({.map = decoded, .from = from, .rank = rank, .smem = smem, .barrier = barrier});
  }
}

void deliver(const Cluster& cluster, const BoxLoad& load) {
  const Block& block = cluster.blocks[static_cast<std::size_t>(load.rank)];
  block.check_alive("cp.async.bulk.tensor");
  const auto bytes = static_cast<std::size_t>(load.map.element_bytes);
  for_elements(load.map, load.from, block.memory, load.smem,
               [&](const unsigned char* element, unsigned char* target) {
                 if (element == nullptr) {
                   std::memset(target, 0, bytes);
                 } else {
                   std::memcpy(target, element, bytes);
                 }
               });
  mbarrier_complete_bytes(block.memory, load.barrier, load.map.box_bytes());
}

void BoxStores::issue(const CUtensorMap& map, BoxCoordinate to, std::uint32_t smem) {
  const TensorMap decoded = decode(map);
  const unsigned char* source = shared_at(smem, decoded.box_bytes(), kBoxAlignment, "cp.async.bulk.tensor");
  check_fenced(current_block(), smem, decoded.box_bytes());
  issued_.push_back(
      {.map = decoded, .to = to, .smem = smem, .source = {source, source + decoded.box_bytes()}});
}

void BoxStores::commit() {
  std::ranges::move(issued_, std::back_inserter(committed_));
  issued_.clear();
}

void BoxStores::wait() {
  const SharedMemory& memory = current_block().memory;
  for (const Store& store : committed_) {
    const unsigned char* source = shared_at(store.smem, store.map.box_bytes(), 1, "cp.async.bulk.tensor");
    if (!std::equal(store.source.begin(), store.source.end(), source)) {
      fail("shared memory at {} changed while a bulk store was reading it", store.smem - kDynamicSmemBegin);
    }
    for_elements(store.map, store.to, memory, store.smem,
                 [&](unsigned char* element, const unsigned char* written) {
                   if (element != nullptr) {
                     std::memcpy(element, written, static_cast<std::size_t>(store.map.element_bytes));
                   }
                 });
  }
  committed_.clear();
}

void BoxStores::check_done() const {
  if (!issued_.empty() || !committed_.empty())
    fail("a thread ended before its bulk stores had read their source");
}

}  // namespace flashcore::emulated
