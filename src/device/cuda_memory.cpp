#include "device/cuda_memory.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "kernels/reference/cuda_reference.hpp"

namespace flashcore {

namespace {
// Errors that leave the context unusable: every further call of this process fails (CUDA Runtime API,
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

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
}  // namespace

void cuda_check(int code, std::string_view what) {
  if (code == cudaSuccess) return;
  const auto error = static_cast<cudaError_t>(code);
  const std::string message =
      fmt::format("{}: {} ({})", what, cudaGetErrorString(error), cudaGetErrorName(error));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // a failed allocation is no fault of the context; forget it
    throw OutOfMemoryError(message);
  }
  throw EnvironmentError(message, loses_context(error) ? Status::crashed : Status::error);
}

void DeviceBuffer::Free::operator()(void* memory) const { cudaFree(memory); }

DeviceBuffer::DeviceBuffer(std::size_t size_bytes) : size_bytes_(size_bytes) {
  void* memory = nullptr;
  cuda_check(cudaMalloc(&memory, size_bytes), fmt::format("allocating {:.3f} GiB on the device",
                                                          static_cast<double>(size_bytes) / (1u << 30)));
  memory_.reset(memory);
}

GuardedTensor::GuardedTensor(std::int64_t span_elements, std::size_t element_bytes)
    : buffer_(round_up(static_cast<std::size_t>(span_elements + 2 * kGuardElements) * element_bytes, 4)),
      element_bytes_(element_bytes) {}

void* GuardedTensor::tensor() const {
  return static_cast<std::byte*>(buffer_.data()) + static_cast<std::size_t>(kGuardElements) * element_bytes_;
}

void GuardedTensor::poison(CUstream_st* stream) {
  cuda_check(kernels::cuda_poison(buffer_.data(), buffer_.size_bytes(), stream), "poisoning the output");
}

std::int64_t GuardedTensor::written_elements(CUstream_st* stream) const {
  std::int64_t written = 0;
  const int code =
      kernels::cuda_count_written(buffer_.data(), buffer_.size_bytes(), element_bytes_, written, stream);
  cuda_check(code, "reading the output's guards");
  return written;
}

std::string GuardedTensor::hash(CUstream_st* stream) const {
  std::string bytes(buffer_.size_bytes(), '\0');
  cuda_check(cudaMemcpyAsync(bytes.data(), buffer_.data(), bytes.size(), cudaMemcpyDeviceToHost, stream),
             "reading the output");
  cuda_check(cudaStreamSynchronize(stream), "reading the output");
  return hash_hex(bytes);
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
