// Launches on a framework's tensors with no Python objects in between, for frameworks with DLPack's C exchange API
// (DLPack 1.2, dlpack.h, DLPackExchangeAPI), such as PyTorch from 2.10 on.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "python/launch_plan.hpp"

namespace flashcore {

// The functions of the API that a launch needs, in the order of the C struct.
struct DlpackExchange {
  struct Version {
    std::uint32_t major, minor;
  };
  struct ManagedTensor {
    Version version;
    void* context;
    void (*deleter)(ManagedTensor*);
    std::uint64_t flags;
    nanobind::dlpack::dltensor tensor;
  };
  using SetError = void (*)(void* context, const char* kind, const char* message);

  Version version;
  const void* older;
  int (*allocate)(nanobind::dlpack::dltensor* prototype, ManagedTensor** out, void* context, SetError);
  int (*managed_from_object)(void* object, ManagedTensor** out);
  int (*managed_to_object)(ManagedTensor* tensor, void** object);
  int (*from_object)(void* object, nanobind::dlpack::dltensor* out);
  int (*current_stream)(std::int32_t device_type, std::int32_t device, void** stream);
};

// A call: its tensors, which must be of the type that has the API, and its mask.
struct TensorCall {
  nanobind::handle q, k, v, out;  // without `out`: into a new tensor
  bool causal;
  std::int64_t window_left, window_right;
  double softcap;
  std::optional<double> scale;
};

class TensorCalls {
 public:
  // `api` is the capsule `__dlpack_c_exchange_api__` of the type of tensors. Throws UsageError if its version is unknown.
  explicit TensorCalls(const nanobind::capsule& api);

  // Launches what remember() was given for a call with tensors of the same shapes, strides, dtype and device, and
  // returns the output. None if that is nothing, if a tensor is not aligned or not on the current device, or if there
  // is no `out` and q is not contiguous.
  nanobind::object launch(const TensorCall& call) const;

  // The plan must take the tensors' strides.
  void remember(const TensorCall& call, const LaunchPlan& plan);

 private:
  static constexpr std::size_t kRank = 4;
  static constexpr std::size_t kTensors = 4;
  struct Tensors {
    std::array<nanobind::dlpack::dltensor, kTensors> all;
  };
  // What a plan depends on: of each tensor device, dtype, sizes and strides, and the mask.
  using Key = std::array<std::int64_t, kTensors*(2 + 2 * kRank) + 6>;
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };

  // False if a tensor has another number of dimensions, or none that DLPack describes. Without `out`, its description has no address.
  bool describe(const TensorCall& call, Tensors& tensors, Key& key) const;
  void run(const LaunchPlan& plan, const Tensors& tensors) const;

  const DlpackExchange* api_;
  std::unordered_map<Key, LaunchPlan, Hash> plans_;
};

}  // namespace flashcore
