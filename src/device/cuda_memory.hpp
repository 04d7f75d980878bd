// Device memory and errors of the CUDA runtime, in C++ terms. Plain allocations only, never managed memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "attention/problem.hpp"

struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace flashcore {

// Throws when `code` (a cudaError_t) is not cudaSuccess: OutOfMemoryError when memory ran out, else
// EnvironmentError, whose status is `crashed` when the context is lost; the message is "<what>: <CUDA's own
// words>".
void cuda_check(int code, std::string_view what);

// An allocation of device memory.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t size_bytes);

  void* data() const { return memory_.get(); }
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> memory_;
  std::size_t size_bytes_ = 0;
};

// A tensor between two guards. The whole allocation, guards and gaps of the layout included, can be poisoned,
// so that a write outside of the tensor's elements shows as a changed word.
class GuardedTensor {
 public:
  static constexpr std::int64_t kGuardElements = 4096;

  GuardedTensor() = default;
  GuardedTensor(std::int64_t span_elements, std::size_t element_bytes);

  void* tensor() const;  // the first element
  void poison(CUstream_st* stream);
  // Elements of the allocation, guards and gaps included, that are not poison. Synchronises the stream.
  std::int64_t written_elements(CUstream_st* stream) const;
  // Hash of the whole allocation (base/hash.hpp). Synchronises the stream.
  std::string hash(CUstream_st* stream) const;

 private:
  DeviceBuffer buffer_;
  std::size_t element_bytes_ = 0;
};

struct StreamDeleter {
  void operator()(CUstream_st* stream) const;
};
struct EventDeleter {
  void operator()(CUevent_st* event) const;
};
struct GraphDeleter {
  void operator()(CUgraph_st* graph) const;
};
struct GraphExecDeleter {
  void operator()(CUgraphExec_st* graph) const;
};
using StreamHandle = std::unique_ptr<CUstream_st, StreamDeleter>;
using EventHandle = std::unique_ptr<CUevent_st, EventDeleter>;
using GraphHandle = std::unique_ptr<CUgraph_st, GraphDeleter>;
using GraphExecHandle = std::unique_ptr<CUgraphExec_st, GraphExecDeleter>;

StreamHandle make_stream();
EventHandle make_event();

}  // namespace flashcore
