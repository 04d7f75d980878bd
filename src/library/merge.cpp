#include "library/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <numbers>
#include <vector>

#include "base/parallel.hpp"
#include "capi/convert.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "library/arguments.hpp"

namespace flashcore {
namespace {

using kernels::Bf16;
using kernels::Fp16;

// The struct of the first release. A shorter one was not initialised.
constexpr std::size_t kLeastSize = offsetof(flashcore_merge_args, lse_stride) + sizeof(flashcore_strides);

bool is_merged_dtype(std::int32_t dtype) {
  return dtype == FLASHCORE_FP16 || dtype == FLASHCORE_BF16 || dtype == FLASHCORE_FP32;
}

std::size_t element_bytes(std::int32_t dtype) { return dtype == FLASHCORE_FP32 ? sizeof(float) : 2; }

float load(const void* base, std::int64_t index, std::int32_t dtype) {
  if (dtype == FLASHCORE_FP32) return static_cast<const float*>(base)[index];
  if (dtype == FLASHCORE_FP16) return kernels::to_float(static_cast<const Fp16*>(base)[index]);
  return kernels::to_float(static_cast<const Bf16*>(base)[index]);
}

void store(void* base, std::int64_t index, std::int32_t dtype, float value) {
  if (dtype == FLASHCORE_FP32) {
    static_cast<float*>(base)[index] = value;
  } else if (dtype == FLASHCORE_FP16) {
    static_cast<Fp16*>(base)[index] = kernels::from_float<Fp16>(value);
  } else {
    static_cast<Bf16*>(base)[index] = kernels::from_float<Bf16>(value);
  }
}

// One row of all tensors.
struct Row {
  std::int64_t batch, head, row;

  std::int64_t offset(const Strides& stride) const {
    return batch * stride.batch + head * stride.head + row * stride.row;
  }
};

// A checked call.
class Merge {
 public:
  explicit Merge(const flashcore_merge_args& args) : args_(args) {
    check_sizes();
    check_stride(from_c(args.out_stride), outputs(), "out_stride");
    check_distinct(from_c(args.out_stride), outputs(), "out_stride");
    require(args.out != nullptr, "args/out: is null");
    check_alignment(args.out, element_bytes(args.out_dtype), "out");
    check_stride(lse_strides(args.lse_stride), logarithms(), "lse_stride");
    check_distinct(lse_strides(args.lse_stride), logarithms(), "lse_stride");
    check_alignment(args.lse, alignof(float), "lse");
    require(args.parts != nullptr, "args/parts: is null");
    for (std::int32_t i = 0; i < args.num_parts; ++i) check_part(fmt::format("parts[{}]", i), args.parts[i]);
  }

  void run() const {
    const std::int64_t count = std::int64_t{args_.batch} * args_.heads * args_.rows;
    parallel_for(static_cast<std::size_t>(count), [this](std::size_t index) {
      const auto i = static_cast<std::int64_t>(index);
      merge_row({.batch = i / args_.rows / args_.heads,
                 .head = i / args_.rows % args_.heads,
                 .row = i % args_.rows});
    });
  }

 private:
  Extent outputs() const { return {args_.batch, args_.heads, args_.rows, args_.head_dim}; }
  Extent logarithms() const { return {args_.batch, args_.heads, args_.rows, 1}; }

  Strides lse_strides(const flashcore_strides& given) const {
    const Strides strides = from_c(given);
    return strides != Strides{} ? strides : Strides{args_.heads * args_.rows, args_.rows, 1};
  }

  void check_sizes() const {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    const std::pair<std::string_view, std::int64_t> sizes[] = {{"batch", args_.batch},
                                                               {"heads", args_.heads},
                                                               {"rows", args_.rows},
                                                               {"head_dim", args_.head_dim},
                                                               {"num_parts", args_.num_parts}};
    for (const auto& [field, size] : sizes) {
      if (size >= 1 && size <= kMost) continue;
      fail_field(field, fmt::format("{} is out of range, it must be from 1 to {}", size, kMost));
    }
    const std::int64_t heads = std::int64_t{args_.batch} * args_.heads;
    if (heads > std::numeric_limits<std::int64_t>::max() / kMost) {
      fail_field("batch", "the product of the sizes exceeds the address space");
    }
    for (const auto& [field, dtype] :
         {std::pair("part_dtype", args_.part_dtype), {"out_dtype", args_.out_dtype}}) {
      if (!is_merged_dtype(dtype))
        fail_field(field, "must be FLASHCORE_FP16, FLASHCORE_BF16 or FLASHCORE_FP32");
    }
    require(args_.lse_base == FLASHCORE_LSE_NATURAL || args_.lse_base == FLASHCORE_LSE_BASE2,
            "args/lse_base: must be FLASHCORE_LSE_NATURAL or FLASHCORE_LSE_BASE2");
  }

  void check_part(const std::string& name, const flashcore_merge_part& part) const {
    check_stride(from_c(part.out_stride), outputs(), name + "/out_stride");
    check_stride(lse_strides(part.lse_stride), logarithms(), name + "/lse_stride");
    if (part.out == nullptr) fail_field(name + "/out", "is null");
    if (part.lse == nullptr) fail_field(name + "/lse", "is null");
    check_alignment(part.out, element_bytes(args_.part_dtype), name + "/out");
    check_alignment(part.lse, alignof(float), name + "/lse");
  }

  // Reads all parts of the row before it writes, because the output may be one of them.
  void merge_row(const Row& row) const {
    const float unit = args_.lse_base == FLASHCORE_LSE_BASE2 ? std::numbers::ln2_v<float> : 1.0f;
    float largest = kernels::kMinusInfinity;
    for (std::int32_t i = 0; i < args_.num_parts; ++i) largest = std::max(largest, unit * lse_of(i, row));
    std::vector<float> sum(static_cast<std::size_t>(args_.head_dim), 0.0f);
    float weights = 0;
    for (std::int32_t i = 0; i < args_.num_parts; ++i) {
      const float lse = unit * lse_of(i, row);
      if (lse == kernels::kMinusInfinity) continue;
      const float weight = std::exp(lse - largest);
      weights += weight;
      const std::int64_t first = row.offset(from_c(args_.parts[i].out_stride));
      for (std::int64_t d = 0; d < args_.head_dim; ++d) {
        sum[static_cast<std::size_t>(d)] += weight * load(args_.parts[i].out, first + d, args_.part_dtype);
      }
    }
    const float normalise = weights == 0 ? 0.0f : 1 / weights;
    const std::int64_t first = row.offset(from_c(args_.out_stride));
    for (std::int64_t d = 0; d < args_.head_dim; ++d) {
      store(args_.out, first + d, args_.out_dtype, normalise * sum[static_cast<std::size_t>(d)]);
    }
    if (args_.lse == nullptr) return;
    args_.lse[row.offset(lse_strides(args_.lse_stride))] =
        weights == 0 ? kernels::kMinusInfinity : (largest + std::log(weights)) / unit;
  }

  float lse_of(std::int32_t part, const Row& row) const {
    const flashcore_merge_part& from = args_.parts[part];
    return from.lse[row.offset(lse_strides(from.lse_stride))];
  }

  flashcore_merge_args args_;
};

}  // namespace

void merge_on_cpu(const flashcore_merge_args* args) {
  require(args != nullptr, "args: is null");
  if (args->struct_size < kLeastSize) {
    fail_field("struct_size",
               fmt::format("is {}, but must be sizeof(flashcore_merge_args)", args->struct_size));
  }
  check_no_later_member(args, args->struct_size, sizeof(*args));
  Merge(*args).run();
}

}  // namespace flashcore
