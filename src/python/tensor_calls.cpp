#include "python/tensor_calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "base/error.hpp"
#include "library/device_limits.hpp"

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
using Owned = std::unique_ptr<DlpackExchange::ManagedTensor, Release>;

Owned allocate(const DlpackExchange& api, nb::dlpack::dltensor prototype) {
  DlpackExchange::ManagedTensor* tensor = nullptr;
  if (api.allocate(&prototype, &tensor, nullptr, raise) != 0) throw nb::python_error();
  return Owned(tensor);
}

// May be freed when the launch is queued: the framework gives it to later work of the same stream only.
Owned allocate_scratch(const DlpackExchange& api, nb::dlpack::device device, std::size_t size) {
  auto bytes = static_cast<std::int64_t>(size);
  nb::dlpack::dltensor prototype;
  prototype.device = device;
  prototype.ndim = 1;
  prototype.dtype = nb::dtype<std::uint8_t>();
  prototype.shape = &bytes;
  return allocate(api, prototype);
}

bool is_contiguous(const nb::dlpack::dltensor& tensor) {
  std::int64_t stride = 1;
  for (int axis = tensor.ndim - 1; axis >= 0; --axis) {
    if (tensor.strides[axis] != stride) return false;
    stride *= tensor.shape[axis];
  }
  return true;
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
    if (!objects[i].is_none()) {
      if (api_->from_object(objects[i].ptr(), &tensor) != 0) {
        PyErr_Clear();  // no memory, as on the device "meta"
        return false;
      }
    } else {
      tensor = tensors.all[0];  // as q
      tensor.data = nullptr;
      tensor.byte_offset = 0;
      if (!is_contiguous(tensor)) return false;
    }
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
  const std::size_t bytes = plan.workspace_bytes();
  const Owned scratch = bytes > 0 ? allocate_scratch(*api_, q.device, bytes) : Owned();
  plan.launch(address(q), address(k), address(v), address(out), 0, scratch ? address(scratch->tensor) : 0,
              reinterpret_cast<std::uintptr_t>(stream));
}

nb::object TensorCalls::launch(const TensorCall& call) const {
  Tensors tensors;
  Key key;
  if (!describe(call, tensors, key)) return nb::none();
  const auto found = plans_.find(key);
  const bool aligned = std::ranges::all_of(
      tensors.all, [](const auto& tensor) { return address(tensor) % kTensorAlignment == 0; });
  if (found == plans_.end() || !aligned || !is_current(found->second.device())) return nb::none();
  if (!call.out.is_none()) {
    run(found->second, tensors);
    return nb::borrow(call.out);
  }
  nb::dlpack::dltensor& out = tensors.all.back();
  Owned made = allocate(*api_, out);
  out = made->tensor;
  run(found->second, tensors);
  void* object = nullptr;
  if (api_->managed_to_object(made.get(), &object) != 0) throw nb::python_error();
  (void)made.release();  // the object has it
  return nb::steal(static_cast<PyObject*>(object));
}

void TensorCalls::remember(const TensorCall& call, const LaunchPlan& plan) {
  Tensors tensors;
  Key key;
  if (!describe(call, tensors, key)) return;
  if (plans_.size() == kMostPlans) plans_.clear();
  plans_.emplace(key, plan);
}

}  // namespace flashcore
