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

constexpr std::string_view kTensorNames[] = {
    "q",         "k",          "v",         "out",          "lse",
    "q_descale", "k_descale",  "v_descale", "cu_seqlens_q", "cu_seqlens_k",
    "seqused_k", "page_table", "sinks"};

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

// Sizes and strides of an array, whose last axis is contiguous.
struct ArrayShape {
  std::vector<std::size_t> sizes;
  std::vector<std::int64_t> strides;

  void add(std::int64_t size, std::int64_t stride) {
    sizes.push_back(static_cast<std::size_t>(size));
    strides.push_back(stride);
  }
};

// [batch, heads, rows, columns], or [rows of all sequences, heads, columns] if `total` is not 0.
ArrayShape rows_shape(const AttentionArgs& args, std::int64_t total, std::int32_t heads, std::int32_t rows,
                      std::int32_t columns, const Strides& stride) {
  ArrayShape shape;
  if (total > 0) {
    shape.add(total, stride.row);
    shape.add(heads, stride.head);
  } else {
    shape.add(args.sequences.batch, stride.batch);
    shape.add(heads, stride.head);
    shape.add(rows, stride.row);
  }
  shape.add(columns, 1);
  return shape;
}

// As rows_shape(), or [pages, page_size, heads_kv, columns] of a paged cache.
ArrayShape cache_shape(const AttentionArgs& args, std::int32_t columns, const Strides& stride) {
  if (!args.kv.is_paged())
    return rows_shape(args, args.sequences.total_k, args.heads_kv, args.sequences.seq_kv, columns, stride);
  ArrayShape shape;
  shape.add(args.kv.pages, stride.batch);
  shape.add(args.kv.page_size, stride.row);
  shape.add(args.heads_kv, stride.head);
  shape.add(columns, 1);
  return shape;
}

std::vector<std::size_t> contiguous(std::initializer_list<std::int64_t> sizes) {
  std::vector<std::size_t> shape;
  for (const std::int64_t size : sizes) shape.push_back(static_cast<std::size_t>(size));
  return shape;
}

// Makes the arrays of one launch.
struct ArrayMaker {
  const ArrayPlace& place;
  nb::handle owner;

  nb::object tensor(const void* data, const ArrayShape& shape, Dtype dtype) const {
    if (data == nullptr) return nb::none();
    return make_array(data, shape.sizes, shape.strides.data(), array_dtype(dtype), place, owner);
  }
  template <class T>
  nb::object array(const T* data, std::initializer_list<std::int64_t> sizes) const {
    if (data == nullptr) return nb::none();
    return make_array(data, contiguous(sizes), nullptr, nb::dtype<T>(), place, owner);
  }
};

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
  const Sequences& sequences = args.sequences;
  const auto queries = [&](std::int32_t columns, const Strides& stride) {
    return rows_shape(args, sequences.total_q, args.heads_q, sequences.seq_q, columns, stride);
  };
  const ArrayMaker make{place, owner};
  const auto factors = [&](const float* data) { return make.array(data, {sequences.batch, args.heads_kv}); };
  const std::array<nb::object, std::size(kTensorNames)> arrays = {
      make.tensor(args.q, queries(args.head_dim, args.q_stride), dtype),
      make.tensor(args.k, cache_shape(args, args.head_dim, args.kv.k), dtype),
      make.tensor(args.v, cache_shape(args, args.head_dim_v, args.kv.v), dtype),
      make.tensor(args.out, queries(args.head_dim_v, args.out_stride), args.out_dtype),
      sequences.is_ragged() ? make.array(args.lse, {args.heads_q, sequences.total_q})
                            : make.array(args.lse, {sequences.batch, args.heads_q, sequences.seq_q}),
      factors(args.q_descale),
      factors(args.k_descale),
      factors(args.v_descale),
      make.array(sequences.cu_seqlens_q, {sequences.batch + 1}),
      make.array(sequences.cu_seqlens_k, {sequences.batch + 1}),
      make.array(sequences.seqused_k, {sequences.batch}),
      make.array(args.kv.page_table, {sequences.batch, args.kv.page_table_stride}),
      make.array(args.sinks, {args.heads_q})};
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

const float* InputArrays::sinks(const Problem& problem, Backend backend) const {
  if (!problem.sinks) return nullptr;
  const nb::ndarray<> found = array("sinks");
  require(found, "sinks", std::array{problem.heads_q}, nb::dtype<float>(), "fp32", backend);
  if (found.stride(0) != 1 && problem.heads_q > 1) throw UsageError("sinks: must be contiguous");
  return static_cast<const float*>(found.data());
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
  if (!is_rectangular(problem)) {
    throw UsageError(
        "the reference takes sequences of equal lengths with contiguous K and V; check() compares a kernel "
        "on other problems");
  }
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
  args.sinks = sinks(problem, backend);
}

}  // namespace flashcore
