// The tensors of a launch as Python arrays that share its memory.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string_view>

#include "attention/problem.hpp"
#include "device/device.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// Where arrays are, and which framework Python code wants them for: "numpy" gives numpy's arrays, any other word an
// object that the framework imports by DLPack. Elements of e4m3 are bytes.
struct ArrayPlace {
  Backend backend = Backend::cpu;
  int device = 0;
  std::string_view framework = "numpy";
};

// The arguments that are tensors, by name and in the order of a kernel's parameters.
std::span<const std::string_view> tensor_names();

// A name for every tensor of the arguments; None for those that the launch does not have. Arrays are
// [batch, heads, rows, head_dim], the log-sum-exp is [batch, heads_q, seq_q], and descale factors are
// [batch, heads_kv]. Of a ragged batch they are [rows of all sequences, heads, head_dim] and [heads_q, total_q], and
// K and V of a paged cache are [pages, page_size, heads_kv, head_dim]. Lengths and pages are int32, cu_seqlens
// [batch + 1], seqused [batch] and the table [batch, entries]; sinks are FP32 [heads_q]. `owner` is kept alive by the
// arrays, and may be None.
nanobind::dict tensors_of(const AttentionArgs& args, Dtype dtype, const ArrayPlace& place,
                          nanobind::handle owner);

// An FP32 array of [batch, heads, rows, columns], without columns if they are 0.
nanobind::object float_array(const float* data, std::span<const std::size_t> shape, const ArrayPlace& place,
                             nanobind::handle owner);

// The arrays of q, k and v, for a scaled dtype of their descale factors, and of sinks, by name. Sets pointers and strides,
// and keeps the arrays. Throws UsageError unless each array is there and has the shape, the dtype and the place of the
// problem's tensor, and for problems with lengths or pages.
class InputArrays {
 public:
  explicit InputArrays(const nanobind::dict& arrays) : arrays_(arrays) {}
  // The device that has q.
  DeviceRequest device() const;
  void set(const Problem& problem, Backend backend, AttentionArgs& args) const;

 private:
  nanobind::ndarray<> array(const char* name) const;
  Strides strides(const char* name, const TensorShape& wanted, Dtype dtype, Backend backend) const;
  const float* sinks(const Problem& problem, Backend backend) const;
  const float* factors(const char* name, const Problem& problem, Backend backend) const;

  nanobind::dict arrays_;
};

}  // namespace flashcore
