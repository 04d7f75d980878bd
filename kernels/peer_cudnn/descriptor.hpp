// A backend descriptor of cuDNN that destroys itself, its attributes typed by C++ types.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/peer_cudnn/library.hpp"

namespace flashcore::kernels::cudnn {

// A call of cuDNN failed; what() names the call and carries cuDNN's own text.
struct CudnnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check(const Api& api, cudnnStatus_t status, const char* doing) {
  if (status != CUDNN_STATUS_SUCCESS) {
    throw CudnnError(std::string("cuDNN, ") + doing + ": " + status_text(api, status));
  }
}

// The attribute type that a C++ type is stored as.
template <class T>
inline constexpr cudnnBackendAttributeType_t kAttributeType = T::no_attribute_type;
template <>
inline constexpr auto kAttributeType<bool> = CUDNN_TYPE_BOOLEAN;
template <>
inline constexpr auto kAttributeType<std::int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr auto kAttributeType<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr auto kAttributeType<void*> = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr auto kAttributeType<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <>
inline constexpr auto kAttributeType<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr auto kAttributeType<cudnnPointwiseMode_t> = CUDNN_TYPE_POINTWISE_MODE;
template <>
inline constexpr auto kAttributeType<cudnnReduceTensorOp_t> = CUDNN_TYPE_REDUCTION_OPERATOR_TYPE;
template <>
inline constexpr auto kAttributeType<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;

class Descriptor {
 public:
  // `what` is used in error messages; a string literal.
  Descriptor(const Api& api, cudnnBackendDescriptorType_t type, const char* what) : api_(&api), what_(what) {
    check(api, api.create_descriptor(type, &raw_), what);
  }
  Descriptor(Descriptor&& other) noexcept
      : api_(other.api_), what_(other.what_), raw_(std::exchange(other.raw_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(what_, other.what_);
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Descriptor() {
    if (raw_ != nullptr) api_->destroy_descriptor(raw_);
  }

  cudnnBackendDescriptor_t raw() const { return raw_; }

  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set_raw(name, kAttributeType<T>, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.raw_);
  }
  template <class Range>
  void set_all(cudnnBackendAttributeName_t name, const Range& values) {
    set_raw(name, kAttributeType<typename Range::value_type>, static_cast<std::int64_t>(std::size(values)),
            std::data(values));
  }
  void set_all(cudnnBackendAttributeName_t name, const std::vector<cudnnBackendDescriptor_t>& values,
               cudnnBackendAttributeType_t type) {
    set_raw(name, type, static_cast<std::int64_t>(values.size()), values.data());
  }

  std::int64_t get_int64(cudnnBackendAttributeName_t name) const {
    std::int64_t value = 0;
    std::int64_t count = 0;
    check(*api_, api_->get_attribute(raw_, name, CUDNN_TYPE_INT64, 1, &count, &value), what_);
    return value;
  }

  cudnnBackendKnobType_t get_knob_type(cudnnBackendAttributeName_t name) const {
    cudnnBackendKnobType_t value = {};
    std::int64_t count = 0;
    check(*api_, api_->get_attribute(raw_, name, CUDNN_TYPE_KNOB_TYPE, 1, &count, &value), what_);
    return value;
  }

  // Those of an attribute that are of `type`.
  std::vector<Descriptor> get_all(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                  const char* what) const {
    std::int64_t count = 0;
    const auto read = [&](std::int64_t room, void* values) {
      check(*api_, api_->get_attribute(raw_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, room, &count, values),
            what_);
    };
    read(0, nullptr);
    std::vector<Descriptor> found;
    std::vector<cudnnBackendDescriptor_t> raw;
    for (std::int64_t i = 0; i < count; ++i) raw.push_back(found.emplace_back(*api_, type, what).raw());
    read(count, raw.data());
    found.erase(found.begin() + count, found.end());
    return found;
  }

  void finalize() { check(*api_, api_->finalize(raw_), what_); }

 private:
  void set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
               const void* values) {
    check(*api_, api_->set_attribute(raw_, name, type, count, values), what_);
  }

  const Api* api_;
  const char* what_;
  cudnnBackendDescriptor_t raw_ = nullptr;
};

}  // namespace flashcore::kernels::cudnn
