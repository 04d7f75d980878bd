#include "emulated/machine/bulk_copy.hpp"

#include <algorithm>
#include <cstring>

#include "emulated/machine/block.hpp"
#include "emulated/machine/failure.hpp"
#include "emulated/machine/mbarrier.hpp"

namespace flashcore::emulated {
namespace {

constexpr std::uint32_t kBoxAlignment = 128;
constexpr int kChunkColumns = TensorMap::kChunkBytes / TensorMap::kElementBytes;

// Calls visit(place of the chunk's first element in the tensor, chunk in shared memory) for each chunk of a
// box.
template <class Visit>
void for_chunks(const TensorMap& map, BoxCoordinate at, const SharedMemory& memory, std::uint32_t smem,
                const Visit& visit) {
  for (int row = 0; row < map.box_rows; ++row) {
    for (std::uint32_t begin = 0; begin < TensorMap::kRowBytes; begin += TensorMap::kChunkBytes) {
      const std::uint32_t offset = smem + static_cast<std::uint32_t>(row) * TensorMap::kRowBytes + begin;
      const int column = at.column + static_cast<int>(begin / TensorMap::kElementBytes);
      visit(BoxCoordinate{column, at.row + row, at.head, at.batch},
            memory.at(swizzle_128(offset), TensorMap::kChunkBytes, TensorMap::kChunkBytes, "bulk copy"));
    }
  }
}

}  // namespace

void issue_box_load(std::uint32_t smem, const CUtensorMap& map, BoxCoordinate from, std::uint32_t barrier,
                    std::uint32_t blocks) {
  Cluster& cluster = current_cluster();
  const TensorMap decoded = decode(map);
  if (blocks >> cluster.blocks.size() != 0) fail("a multicast into blocks that the cluster has not");
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
  for_chunks(load.map, load.from, block.memory, load.smem, [&](BoxCoordinate at, unsigned char* chunk) {
    std::memset(chunk, 0, TensorMap::kChunkBytes);
    for (int i = 0; i < kChunkColumns; ++i, ++at.column) {
      const unsigned char* element = load.map.element(at);
      if (element != nullptr)
        std::memcpy(chunk + i * TensorMap::kElementBytes, element, TensorMap::kElementBytes);
    }
  });
  mbarrier_complete_bytes(block.memory, load.barrier, load.map.box_bytes());
}

void BoxStores::issue(const CUtensorMap& map, BoxCoordinate to, std::uint32_t smem) {
  const TensorMap decoded = decode(map);
  const unsigned char* source = shared_at(smem, decoded.box_bytes(), kBoxAlignment, "cp.async.bulk.tensor");
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
    for_chunks(store.map, store.to, memory, store.smem, [&](BoxCoordinate at, const unsigned char* chunk) {
      for (int i = 0; i < kChunkColumns; ++i, ++at.column) {
        unsigned char* element = store.map.element(at);
        if (element != nullptr)
          std::memcpy(element, chunk + i * TensorMap::kElementBytes, TensorMap::kElementBytes);
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
