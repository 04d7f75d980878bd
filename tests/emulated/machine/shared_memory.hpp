// The shared memory of a block, and its 32-bit window addresses (PTX ISA, "State Spaces").
//
// An address is an offset in the window of the block that uses it. mapa puts a block's rank + 1 into its
// upper bits; the address then refers to this block of the cluster.
#pragma once

#include <cstdint>

namespace flashcore::emulated {

inline constexpr int kMaxClusterBlocks = 8;
inline constexpr std::uint32_t kDynamicSmemBegin =
    1024;  // in the window; not 0, so that a zero address fails

// The byte that fills shared memory until it is written: NaN in all float types, which sums do not hide, or
// large numbers, which maxima do not hide.
inline constexpr unsigned char kNanPoison = 0xFF;
inline constexpr unsigned char kLargePoison = 0x7B;
void set_poison(unsigned char byte);
void poison(unsigned char* memory, std::uint32_t bytes);

class SharedMemory {
 public:
  static constexpr int kMaxBytes = 227 * 1024;

  SharedMemory() = default;
  // `rank` is the block's rank in its cluster.
  SharedMemory(int rank, int bytes);

  int rank() const { return rank_; }
  unsigned char* begin() const { return begin_; }

  void poison() const;
  // Throws when bytes behind the end have changed.
  void check_guard() const;

  // Memory at an offset of the window; throws when it is out of bounds or not aligned.
  unsigned char* at(std::uint32_t offset, std::uint32_t bytes, std::uint32_t alignment,
                    const char* operation) const;

 private:
  unsigned char* begin_ = nullptr;
  int rank_ = 0;
  int bytes_ = 0;
};

// Of the running block.
unsigned char* dynamic_shared_memory();
std::uint32_t window_address(const void* pointer);

// Memory at an address of the running block, or, for shared::cluster, of any block of its cluster.
unsigned char* shared_at(std::uint32_t address, std::uint32_t bytes, std::uint32_t alignment,
                         const char* operation);
unsigned char* shared_cluster_at(std::uint32_t address, std::uint32_t bytes, std::uint32_t alignment,
                                 const char* operation);

// mapa: the same offset in block `rank` of the cluster.
std::uint32_t map_to_rank(std::uint32_t address, int rank);
// The offset in the window of its block.
std::uint32_t offset_of(std::uint32_t address);

}  // namespace flashcore::emulated
