// An allocation in host or device memory.
#pragma once

#include <cstdint>
#include <memory>

namespace flashcore {

// The alignment of all allocations in bytes. cudaMalloc guarantees it, and the C interface promises it for
// workspaces.
inline constexpr std::int64_t kMemoryAlignment = 256;

class Memory {
 public:
  using Release = void (*)(void*);

  Memory() = default;
  Memory(void* data, std::int64_t bytes, Release release) : data_(data, release), bytes_(bytes) {}

  void* data() const { return data_.get(); }
  std::int64_t bytes() const { return bytes_; }

  template <class T>
  T* as() const {
    return static_cast<T*>(data_.get());
  }

 private:
  std::unique_ptr<void, Release> data_{nullptr, [](void*) {}};
  std::int64_t bytes_ = 0;
};

// Host memory aligned to kMemoryAlignment, contents undefined. Throws OutOfMemoryError.
Memory allocate_host(std::int64_t bytes);

}  // namespace flashcore
