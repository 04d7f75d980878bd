// Memory between two guards. All of it, guards and gaps of a layout included, can be poisoned, so that a write
// outside of the elements shows as a changed word.
#pragma once

#include "check/check_device.hpp"

namespace flashcore {

class GuardedMemory {
 public:
  static constexpr std::int64_t kGuardElements = 4096;  // on each side

  GuardedMemory() = default;
  GuardedMemory(CheckDevice& device, std::int64_t elements, std::int64_t element_bytes)
      : device_(&device),
        element_bytes_(element_bytes),
        elements_(elements),
        memory_(device.allocate(whole_words((elements + 2 * kGuardElements) * element_bytes))) {}

  void* data() const {
    return memory_.as<std::byte>() + kGuardElements * element_bytes_;
  }  // the first element
  std::int64_t bytes() const { return elements_ * element_bytes_; }

  void poison() { device_->poison(memory_.data(), memory_.bytes()); }

  // Queues a copy of memory of the same size, guards included.
  void copy_from(const GuardedMemory& other) {
    device_->copy(memory_.data(), other.memory_.data(), memory_.bytes());
  }
  MemoryRegion region() const { return {memory_.data(), memory_.bytes()}; }

  // Elements that are not poison, in guards and gaps too.
  std::int64_t written_elements() const {
    return device_->count_written(memory_.data(), memory_.bytes(), element_bytes_);
  }
  // The same outside of the first `used` bytes.
  std::int64_t written_beyond(std::int64_t used) const {
    const std::int64_t guard = kGuardElements * element_bytes_;
    const std::int64_t end = guard + (used + element_bytes_ - 1) / element_bytes_ * element_bytes_;
    const std::byte* begin = memory_.as<std::byte>();
    return device_->count_written(begin, guard, element_bytes_) +
           device_->count_written(begin + end, memory_.bytes() - end, element_bytes_);
  }
  std::string hash() const { return device_->hash(region()); }

 private:
  static std::int64_t whole_words(std::int64_t bytes) { return (bytes + 3) / 4 * 4; }

  CheckDevice* device_ = nullptr;
  std::int64_t element_bytes_ = 0;
  std::int64_t elements_ = 0;
  Memory memory_;
};

}  // namespace flashcore
