// Memory between two guards. All of it can be poisoned, including the guards and the gaps of a layout, so
// that a write outside of the elements shows as a changed word.
#pragma once

#include <utility>
#include <vector>

#include "check/check_device.hpp"

namespace flashcore {

class GuardedMemory {
 public:
  static constexpr std::int64_t kGuardElements = 4096;  // on each side

  GuardedMemory() = default;
  GuardedMemory(CheckDevice& device, std::int64_t elements, std::int64_t element_bytes)
      : GuardedMemory(device, std::vector<ElementRange>{{0, elements}}, element_bytes) {}
  // Memory between the ranges is never touched.
  GuardedMemory(CheckDevice& device, std::vector<ElementRange> ranges, std::int64_t element_bytes)
      : device_(&device),
        element_bytes_(element_bytes),
        elements_(ranges.back().first + ranges.back().count),
        ranges_(std::move(ranges)),
        memory_(device.allocate(whole_words((elements_ + 2 * kGuardElements) * element_bytes))) {}

  void* data() const {
    return memory_.as<std::byte>() + kGuardElements * element_bytes_;
  }  // the first element
  std::int64_t bytes() const { return elements_ * element_bytes_; }

  void poison() {
    for (const MemoryRegion& region : regions()) device_->poison(region.data, region.bytes);
  }

  // Queues a copy of memory of the same ranges, guards included.
  void copy_from(const GuardedMemory& other) {
    const std::vector<MemoryRegion> to = regions();
    const std::vector<MemoryRegion> from = other.regions();
    for (std::size_t i = 0; i < to.size(); ++i) device_->copy(to[i].data, from[i].data, to[i].bytes);
  }

  // One per range; the guards belong to the first and the last.
  std::vector<MemoryRegion> regions() const {
    std::vector<MemoryRegion> regions;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      const std::int64_t first = kGuardElements + ranges_[i].first;
      const std::int64_t begin = i == 0 ? 0 : first * element_bytes_;
      const bool is_last = i + 1 == ranges_.size();
      const std::int64_t end = is_last ? memory_.bytes() : (first + ranges_[i].count) * element_bytes_;
      regions.push_back({memory_.as<std::byte>() + begin, end - begin});
    }
    return regions;
  }

  // The number of elements that are not poison, including guards and gaps.
  std::int64_t written_elements() const {
    std::int64_t written = 0;
    for (const MemoryRegion& region : regions()) {
      written += device_->count_written(region.data, region.bytes, element_bytes_);
    }
    return written;
  }
  // The same outside of the first `used` bytes.
  std::int64_t written_beyond(std::int64_t used) const {
    const std::int64_t guard = kGuardElements * element_bytes_;
    const std::int64_t end = guard + (used + element_bytes_ - 1) / element_bytes_ * element_bytes_;
    const std::byte* begin = memory_.as<std::byte>();
    return device_->count_written(begin, guard, element_bytes_) +
           device_->count_written(begin + end, memory_.bytes() - end, element_bytes_);
  }
  std::string hash() const {
    std::string all;
    for (const MemoryRegion& region : regions()) all += device_->hash(region);
    return all;
  }

 private:
  static std::int64_t whole_words(std::int64_t bytes) { return (bytes + 3) / 4 * 4; }

  CheckDevice* device_ = nullptr;
  std::int64_t element_bytes_ = 0;
  std::int64_t elements_ = 0;
  std::vector<ElementRange> ranges_;
  Memory memory_;
};

}  // namespace flashcore
