#include "python/tensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>
#include <vector>

#include "base/error.hpp"

namespace nb = nanobind;

namespace flashcore {
namespace {

constexpr std::string_view kTensorNames[] = {"q",   "k",         "v",         "out",
                                             "lse", "q_descale", "k_descale", "v_descale"};

nb::dlpack::dtype array_dtype(Dtype dtype) {
  const auto bits = static_cast<std::uint8_t>(8 * size_bytes(dtype));
  switch (dtype) {
    case Dtype::fp16:
      return {static_cast<std::uint8_t>(nb::dlpack::dtype_code::Float), bits, 1};
    case Dtype::bf16:
      return {static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bfloat), bits, 1};
    case Dtype::e4m3:
      break;
  }
  return {static_cast<std::uint8_t>(nb::dlpack::dtype_code::UInt), bits, 1};
}

int device_type(Backend backend) {
  return backend == Backend::cpu ? nb::device::cpu::value : nb::device::cuda::value;
}

nb::object make_array(const void* data, std::span<const std::size_t> shape, const std::int64_t* strides,
                      nb::dlpack::dtype dtype, const ArrayPlace& place, nb::handle owner) {
  const auto make = [&]<class Framework>(Framework) {
    return nb::cast(nb::ndarray<Framework>(const_cast<void*>(data), shape.size(), shape.data(), owner,
                                           strides, dtype, device_type(place.backend), place.device),
                    nb::rv_policy::reference);
  };
  return place.framework == "numpy" ? make(nb::numpy{}) : make(nb::array_api{});
}

struct Sizes {
  std::int32_t heads, rows, columns;
};

nb::object make_tensor(const void* data, const AttentionArgs& args, const Sizes& sizes, const Strides& stride,
                       Dtype dtype, const ArrayPlace& place, nb::handle owner) {
  if (data == nullptr) return nb::none();
  const std::array<std::size_t, 4> shape = {
      static_cast<std::size_t>(args.sequences.batch), static_cast<std::size_t>(sizes.heads),
      static_cast<std::size_t>(sizes.rows), static_cast<std::size_t>(sizes.columns)};
  const std::array<std::int64_t, 4> strides = {stride.batch, stride.head, stride.row, 1};
  return make_array(data, shape, strides.data(), array_dtype(dtype), place, owner);
}

std::string shape_text(const nb::ndarray<>& array) {
  std::vector<std::size_t> shape;
  for (std::size_t axis = 0; axis < array.ndim(); ++axis) shape.push_back(array.shape(axis));
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void require(const nb::ndarray<>& array, std::string_view name, std::span<const std::int64_t> shape,
             nb::dlpack::dtype dtype, std::string_view dtype_name, Backend backend) {
  bool same = array.ndim() == shape.size();
  for (std::size_t axis = 0; same && axis < shape.size(); ++axis) {
    same = static_cast<std::int64_t>(array.shape(axis)) == shape[axis];
  }
  if (!same)
    throw UsageError(
        fmt::format("{}: the shape is {}, wanted [{}]", name, shape_text(array), fmt::join(shape, ", ")));
  if (array.dtype() != dtype) throw UsageError(fmt::format("{}: wanted {}", name, dtype_name));
  if (array.device_type() != device_type(backend))
    throw UsageError(fmt::format("{}: must be in the memory of {}", name, device_phrase(backend)));
}

}  // namespace

std::span<const std::string_view> tensor_names() { return kTensorNames; }

nb::object float_array(const float* data, std::span<const std::size_t> shape, const ArrayPlace& place,
                       nb::handle owner) {
  if (data == nullptr) return nb::none();
  return make_array(data, shape, nullptr, nb::dtype<float>(), place, owner);
}

nb::dict tensors_of(const AttentionArgs& args, Dtype dtype, const ArrayPlace& place, nb::handle owner) {
  const Sizes queries = {args.heads_q, args.sequences.seq_q, args.head_dim};
  const Sizes outputs = {args.heads_q, args.sequences.seq_q, args.head_dim_v};
  const Sizes keys = {args.heads_kv, args.sequences.seq_kv, args.head_dim};
  const Sizes values = {args.heads_kv, args.sequences.seq_kv, args.head_dim_v};
  const auto batch = static_cast<std::size_t>(args.sequences.batch);
  const std::array<std::size_t, 3> rows = {batch, static_cast<std::size_t>(args.heads_q),
                                           static_cast<std::size_t>(args.sequences.seq_q)};
  const std::array<std::size_t, 2> heads = {batch, static_cast<std::size_t>(args.heads_kv)};
  const std::array<nb::object, std::size(kTensorNames)> arrays = {
      make_tensor(args.q, args, queries, args.q_stride, dtype, place, owner),
      make_tensor(args.k, args, keys, args.kv.k, dtype, place, owner),
      make_tensor(args.v, args, values, args.kv.v, dtype, place, owner),
      make_tensor(args.out, args, outputs, args.out_stride, args.out_dtype, place, owner),
      float_array(args.lse, rows, place, owner),
      float_array(args.q_descale, heads, place, owner),
      float_array(args.k_descale, heads, place, owner),
      float_array(args.v_descale, heads, place, owner)};
  nb::dict tensors;
  for (std::size_t i = 0; i < arrays.size(); ++i) tensors[kTensorNames[i].data()] = arrays[i];
  return tensors;
}

nb::ndarray<> InputArrays::array(const char* name) const {
  const nb::object found = arrays_.contains(name) ? nb::object(arrays_[name]) : nb::none();
  nb::ndarray<> array;
  if (found.is_none() || !nb::try_cast(found, array))
    throw UsageError(fmt::format("{}: wanted an array of it among the inputs", name));
  return array;
}

DeviceRequest InputArrays::device() const {
  const nb::ndarray<> q = array("q");
  if (q.device_type() != nb::device::cuda::value) return {.kind = DeviceRequest::Kind::cpu, .index = 0};
  return {.kind = DeviceRequest::Kind::cuda, .index = q.device_id()};
}

Strides InputArrays::strides(const char* name, const TensorShape& wanted, Dtype dtype,
                             Backend backend) const {
  const nb::ndarray<> found = array(name);
  const std::array<std::int64_t, 4> shape = {wanted.batch, wanted.heads, wanted.rows, wanted.head_dim};
  require(found, name, shape, array_dtype(dtype), to_string(dtype), backend);
  if (found.stride(3) != 1 && wanted.head_dim > 1)
    throw UsageError(fmt::format("{}: the elements of a row must lie side by side", name));
  return {found.stride(0), found.stride(1), found.stride(2)};
}

const float* InputArrays::factors(const char* name, const Problem& problem, Backend backend) const {
  if (!traits(problem.dtype).scaled) return nullptr;
  const nb::ndarray<> found = array(name);
  const std::array<std::int64_t, 2> shape = {problem.batch, problem.heads_kv};
  require(found, name, shape, nb::dtype<float>(), "fp32", backend);
  if ((found.stride(1) != 1 && shape[1] > 1) || (found.stride(0) != shape[1] && shape[0] > 1))
    throw UsageError(fmt::format("{}: must be contiguous", name));
  return static_cast<const float*>(found.data());
}

void InputArrays::set(const Problem& problem, Backend backend, AttentionArgs& args) const {
  const TensorShape keys = key_shape(problem);
  args.q_stride = strides("q", query_shape(problem), problem.dtype, backend);
  args.kv.k = strides("k", keys, problem.dtype, backend);
  args.kv.v = strides("v", keys, problem.dtype, backend);
  args.q = array("q").data();
  args.k = array("k").data();
  args.v = array("v").data();
  args.q_descale = factors("q_descale", problem, backend);
  args.k_descale = factors("k_descale", problem, backend);
  args.v_descale = factors("v_descale", problem, backend);
}

}  // namespace flashcore
