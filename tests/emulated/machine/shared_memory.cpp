#include "emulated/machine/shared_memory.hpp"

#include <algorithm>
#include <cstring>

#include "emulated/machine/block.hpp"
#include "emulated/machine/failure.hpp"

namespace flashcore::emulated {
namespace {

// Each block of a cluster has a slot: its shared memory, and poison behind it.
constexpr int kSlotBytes = 256 * 1024;
alignas(1024) unsigned char slots[kMaxClusterBlocks * kSlotBytes];

constexpr int kRankShift = 24;

unsigned char poison_byte = kNanPoison;

// The block to which a shared::cluster address refers.
const Block& owner_of(std::uint32_t address) {
  const std::uint32_t rank_and_one = address >> kRankShift;
  if (rank_and_one == 0) return current_block();
  if (rank_and_one > current_cluster().blocks.size()) {
    fail("the cluster has no block of rank {}", rank_and_one - 1);
  }
  return current_cluster().blocks[rank_and_one - 1];
}

}  // namespace

void set_poison(unsigned char byte) { poison_byte = byte; }

void poison(unsigned char* memory, std::uint32_t bytes) { std::memset(memory, poison_byte, bytes); }

SharedMemory::SharedMemory(int rank, int bytes)
    : begin_(slots + rank * kSlotBytes), rank_(rank), bytes_(bytes) {
  if (bytes > kMaxBytes) fail("a block has at most {} bytes of shared memory, not {}", kMaxBytes, bytes);
}

void SharedMemory::poison() const { emulated::poison(begin_, kSlotBytes); }

void SharedMemory::check_guard() const {
  const unsigned char* begin = begin_;
  const unsigned char* end = begin + kSlotBytes;
  const unsigned char* changed =
      std::find_if(begin + bytes_, end, [](int byte) { return byte != poison_byte; });
  if (changed != end) {
    fail("something was written {} bytes behind the end of shared memory", changed - begin - bytes_);
  }
}

unsigned char* SharedMemory::at(std::uint32_t offset, std::uint32_t bytes, std::uint32_t alignment,
                                const char* operation) const {
  const std::int64_t from = std::int64_t{offset} - kDynamicSmemBegin;
  if (from < 0 || from + bytes > bytes_) {
    fail("{}: {} bytes at {} of {} bytes of shared memory", operation, bytes, from, bytes_);
  }
  if (offset % alignment != 0) {
    fail("{}: shared memory at {} is not aligned to {} bytes", operation, from, alignment);
  }
  return begin_ + from;
}

unsigned char* dynamic_shared_memory() { return current_block().memory.begin(); }

std::uint32_t window_address(const void* pointer) {
  const std::ptrdiff_t from = static_cast<const unsigned char*>(pointer) - slots;
  if (from < 0 || from >= kMaxClusterBlocks * kSlotBytes) fail("cvta: not an address of shared memory");
  return kDynamicSmemBegin + static_cast<std::uint32_t>(from % kSlotBytes);
}

unsigned char* shared_at(std::uint32_t address, std::uint32_t bytes, std::uint32_t alignment,
                         const char* operation) {
  return current_block().memory.at(address, bytes, alignment, operation);
}

unsigned char* shared_cluster_at(std::uint32_t address, std::uint32_t bytes, std::uint32_t alignment,
                                 const char* operation) {
  const Block& owner = owner_of(address);
  owner.check_alive(operation);
  return owner.memory.at(offset_of(address), bytes, alignment, operation);
}

std::uint32_t map_to_rank(std::uint32_t address, int rank) {
  return offset_of(address) | static_cast<std::uint32_t>(rank + 1) << kRankShift;
}

std::uint32_t offset_of(std::uint32_t address) { return address & ((1u << kRankShift) - 1); }

}  // namespace flashcore::emulated
