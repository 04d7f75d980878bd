#include "device/cuda_memory.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

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

}  // namespace flashcore
