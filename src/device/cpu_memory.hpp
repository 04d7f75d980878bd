// Host memory of the CPU executor: aligned, and failing as OutOfMemoryError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace flashcore {

// Elements of T on a 64-byte boundary, contents undefined.
template <class T>
class HostBuffer {
 public:
  HostBuffer() = default;
  explicit HostBuffer(std::int64_t count);

  T* data() const { return memory_.get(); }
  std::span<T> span() const { return {memory_.get(), static_cast<std::size_t>(count_)}; }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  std::unique_ptr<T, Free> memory_;
  std::int64_t count_ = 0;
};

// A tensor between two guards, of elements with the bits of Word. The whole allocation, guards and gaps of
// the layout included, is poisoned, so that a write outside of the tensor's elements shows as a changed word.
template <class Word>
class GuardedHostTensor {
 public:
  static constexpr std::int64_t kGuardElements = 4096;

  GuardedHostTensor() = default;
  explicit GuardedHostTensor(std::int64_t span_elements);

  Word* tensor() const { return buffer_.data() + kGuardElements; }  // the first element
  std::span<Word> memory() const { return buffer_.span(); }         // guards included
  void poison();
  // Elements of the allocation, guards and gaps included, that are not poison.
  std::int64_t written_elements() const;
  // The whole allocation.
  std::span<const Word> words() const { return buffer_.span(); }

 private:
  HostBuffer<Word> buffer_;
};

// Bytes of memory that can be taken without swapping, within the limit of this process's control group.
std::int64_t free_host_memory_bytes();
std::int64_t total_host_memory_bytes();

}  // namespace flashcore
