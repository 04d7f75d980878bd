// RAII and exceptions for the CUDA runtime. Allocations are plain device memory, never managed memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "device/memory.hpp"

struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace flashcore {

// Throws if `code` (a cudaError_t) is not cudaSuccess: OutOfMemoryError for a failed allocation,
// EnvironmentError for every other error. The status is Status::crashed if the error destroys the context.
// The message is "<what>: <text of CUDA>".
void cuda_check(int code, std::string_view what);

// Device memory, contents undefined. Throws OutOfMemoryError.
Memory allocate_cuda(std::int64_t bytes);

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

// Whether the graph or one of its child graphs has a kernel.
bool has_kernel(CUgraph_st* graph);

// Resets L2 lines that a kernel has marked as persisting; they would survive the rotation of input sets.
void reset_persisting_l2();

}  // namespace flashcore
