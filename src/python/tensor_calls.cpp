#include "python/tensor_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "base/error.hpp"

namespace nb = nanobind;

namespace flashcore {
namespace {

constexpr std::uint32_t kMajorVersion = 1;
constexpr std::size_t kMostPlans = 4096;  // decoding asks for every length of its keys once

std::uintptr_t address(const nb::dlpack::dltensor& tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.data) + tensor.byte_offset;
}

void raise(void* /*context*/, const char* /*kind*/, const char* message) {
  PyErr_SetString(PyExc_MemoryError, message);
}

struct Release {
  void operator()(DlpackExchange::ManagedTensor* tensor) const {
    if (tensor->deleter != nullptr) tensor->deleter(tensor);
  }
};
using Scratch = std::unique_ptr<DlpackExchange::ManagedTensor, Release>;

// Memory of the framework. It may be freed when the launch is queued: the framework gives it to later work of the same
// stream only.
Scratch allocate(const DlpackExchange& api, nb::dlpack::device device, std::size_t size) {
  auto bytes = static_cast<std::int64_t>(size);
  nb::dlpack::dltensor prototype;
  prototype.device = device;
  prototype.ndim = 1;
  prototype.dtype = nb::dtype<std::uint8_t>();
  prototype.shape = &bytes;
  DlpackExchange::ManagedTensor* tensor = nullptr;
  if (api.allocate(&prototype, &tensor, nullptr, raise) != 0) throw nb::python_error();
  return Scratch(tensor);
}

}  // namespace

TensorCalls::TensorCalls(const nb::capsule& api)
    : api_(static_cast<const DlpackExchange*>(api.data("dlpack_exchange_api"))) {
  if (api_->version.major != kMajorVersion) {
    throw UsageError(fmt::format("DLPack {}.{} is unknown here", api_->version.major, api_->version.minor));
  }
}

std::size_t TensorCalls::Hash::operator()(const Key& key) const {
  std::uint64_t hash = 0;
  for (const std::int64_t value : key) {
    hash = (hash ^ static_cast<std::uint64_t>(value)) * 0x9E3779B97F4A7C15;
    hash ^= hash >> 32;
  }
  return hash;
}

bool TensorCalls::describe(const TensorCall& call, Tensors& tensors, Key& key) const {
  std::int64_t* next = key.data();
  const nb::handle objects[] = {call.q, call.k, call.v, call.out};
  for (std::size_t i = 0; i < kTensors; ++i) {
    nb::dlpack::dltensor& tensor = tensors.all[i];
    if (api_->from_object(objects[i].ptr(), &tensor) != 0) throw nb::python_error();
    if (tensor.ndim != static_cast<int>(kRank)) return false;
    *next++ = static_cast<std::int64_t>(tensor.device.device_type) << 32 | tensor.device.device_id;
    *next++ = tensor.dtype.code << 16 | tensor.dtype.bits << 8 | tensor.dtype.lanes;
    next = std::copy_n(tensor.shape, kRank, next);
    next = std::copy_n(tensor.strides, kRank, next);
  }
  *next++ = call.causal ? 1 : 0;
  *next++ = call.window_left;
  *next++ = call.window_right;
  *next++ = std::bit_cast<std::int64_t>(call.softcap);
  *next++ = call.scale ? 1 : 0;
  *next++ = std::bit_cast<std::int64_t>(call.scale.value_or(0));
  return true;
}

void TensorCalls::run(const LaunchPlan& plan, const Tensors& tensors) const {
  const auto& [q, k, v, out] = tensors.all;
  void* stream = nullptr;
  if (api_->current_stream(q.device.device_type, q.device.device_id, &stream) != 0) throw nb::python_error();
  const Scratch scratch =
      plan.workspace_bytes() > 0 ? allocate(*api_, q.device, plan.workspace_bytes()) : Scratch();
  plan.launch(address(q), address(k), address(v), address(out), 0, scratch ? address(scratch->tensor) : 0,
              reinterpret_cast<std::uintptr_t>(stream));
}

bool TensorCalls::launch(const TensorCall& call) const {
  Tensors tensors;
  Key key;
  if (!describe(call, tensors, key)) return false;
  const auto found = plans_.find(key);
  if (found == plans_.end()) return false;
  const bool aligned = std::ranges::all_of(
      tensors.all, [](const auto& tensor) { return address(tensor) % kTensorAlignment == 0; });
  if (aligned) run(found->second, tensors);
  return aligned;
}

void TensorCalls::remember(const TensorCall& call, const LaunchPlan& plan) {
  Tensors tensors;
  Key key;
  if (!describe(call, tensors, key)) return;
  if (plans_.size() == kMostPlans) plans_.clear();
  plans_.emplace(key, plan);
}

}  // namespace flashcore
