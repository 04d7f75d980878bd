#include "device/cuda_memory.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"

namespace flashcore {

namespace {
// True for errors that destroy the CUDA context: every later call of this process fails (CUDA Runtime API,
// cudaError_t).
bool loses_context(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
      return true;
    default:
      return false;
  }
}

}  // namespace

void cuda_check(int code, std::string_view what) {
  if (code == cudaSuccess) return;
  const auto error = static_cast<cudaError_t>(code);
  const std::string message =
      fmt::format("{}: {} ({})", what, cudaGetErrorString(error), cudaGetErrorName(error));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears the error: a failed allocation leaves the context usable
    throw OutOfMemoryError(message);
  }
  throw EnvironmentError(message, loses_context(error) ? Status::crashed : Status::error);
}

Memory allocate_cuda(std::int64_t bytes) {
  void* memory = nullptr;
  cuda_check(cudaMalloc(&memory, static_cast<std::size_t>(bytes)),
             fmt::format("allocating {:.3f} GiB on the device", static_cast<double>(bytes) / (1 << 30)));
  return {memory, bytes, [](void* data) { cudaFree(data); }};
}

void StreamDeleter::operator()(CUstream_st* stream) const { cudaStreamDestroy(stream); }
void EventDeleter::operator()(CUevent_st* event) const { cudaEventDestroy(event); }
void GraphDeleter::operator()(CUgraph_st* graph) const { cudaGraphDestroy(graph); }
void GraphExecDeleter::operator()(CUgraphExec_st* graph) const { cudaGraphExecDestroy(graph); }

StreamHandle make_stream() {
  cudaStream_t stream = nullptr;
  cuda_check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  return StreamHandle(stream);
}

EventHandle make_event() {
  cudaEvent_t event = nullptr;
  cuda_check(cudaEventCreate(&event), "creating an event");
  return EventHandle(event);
}

bool has_kernel(CUgraph_st* graph) {
  std::size_t count = 0;
  cuda_check(cudaGraphGetNodes(graph, nullptr, &count), "reading a graph");
  std::vector<cudaGraphNode_t> nodes(count);
  cuda_check(cudaGraphGetNodes(graph, nodes.data(), &count), "reading a graph");
  return std::ranges::any_of(nodes, [](cudaGraphNode_t node) {
    cudaGraphNodeType type{};
    cuda_check(cudaGraphNodeGetType(node, &type), "reading a graph");
    if (type != cudaGraphNodeTypeGraph) return type == cudaGraphNodeTypeKernel;
    cudaGraph_t child = nullptr;
    cuda_check(cudaGraphChildGraphNodeGetGraph(node, &child), "reading a graph");
    return has_kernel(child);
  });
}

// Persisting lines exist only if a part of L2 is set aside for them. A reset takes longer than a sample, so it is done
// only then.
void reset_persisting_l2() {
  std::size_t set_aside = 0;
  const bool known = cudaDeviceGetLimit(&set_aside, cudaLimitPersistingL2CacheSize) == cudaSuccess;
  if (known && set_aside == 0) return;
  (void)cudaCtxResetPersistingL2Cache();
  (void)cudaGetLastError();  // the reset fails on devices without such lines; the sample is valid anyway
}

}  // namespace flashcore
