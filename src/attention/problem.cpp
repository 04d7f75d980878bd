#include "attention/problem.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"

namespace flashcore {
namespace {

// Gaps of the padded layout, in elements and rows. A multiple of 8 elements keeps 16-byte alignment.
constexpr std::int64_t kRowGap = 16;
constexpr std::int64_t kHeadGapRows = 3;
constexpr std::int64_t kBatchGapRows = 5;

// Of the layout far_batches: one more than a 32-bit index holds, and some, so that an index that wraps around lies in
// another row.
constexpr std::int64_t kFarElements = (std::int64_t{1} << 31) + 64;
constexpr std::int64_t kRangeElements = 64;

std::int64_t whole_ranges(std::int64_t elements) {
  return (elements + kRangeElements - 1) / kRangeElements * kRangeElements;
}

// 2^59 two-byte elements exceed any memory and cannot overflow 64-bit byte offsets.
constexpr double kMaxElements = 576460752303423488.0;

TensorShape make_shape(Layout layout, std::int64_t batch, std::int64_t heads, std::int64_t rows,
                       std::int64_t head_dim) {
  TensorShape shape{batch, heads, rows, head_dim, {}, 0};
  switch (layout) {
    case Layout::bhsd:
    case Layout::shared_heads:  // only of K and V
    case Layout::shared_batches:
      shape.stride = {.batch = heads * rows * head_dim, .head = rows * head_dim, .row = head_dim};
      break;
    case Layout::bshd:
      shape.stride = {.batch = heads * rows * head_dim, .head = head_dim, .row = heads * head_dim};
      break;
    case Layout::padded: {
      const std::int64_t row = head_dim + kRowGap;
      const std::int64_t head = (rows + kHeadGapRows) * row;
      shape.stride = {.batch = heads * head + kBatchGapRows * row, .head = head, .row = row};
      break;
    }
    case Layout::far_batches:
      shape.stride = {.batch = kFarElements + whole_ranges(heads * rows * head_dim),
                      .head = rows * head_dim,
                      .row = head_dim};
      break;
  }
  shape.span_elements = (batch - 1) * shape.stride.batch + (heads - 1) * shape.stride.head +
                        (rows - 1) * shape.stride.row + head_dim;
  return shape;
}

// Throws UsageError if the field is a number outside its range. An absent optional number passes.
void check_range(const ProblemField& field, const Problem& p, std::string_view where) {
  const auto check = [&](const auto& value) {
    const auto number = static_cast<double>(value);
    if (!std::isfinite(number))
      throw UsageError(fmt::format("{}/{}: must be a finite number", where, field.name));
    if (number >= field.min && number <= field.max) return;
    throw UsageError(fmt::format("{}/{}: {} is out of range, it must be from {} to {}", where, field.name,
                                 value, field.min, field.max));
  };
  if (const auto* size = std::get_if<std::int64_t Problem::*>(&field.member)) check(p.**size);
  if (const auto* real = std::get_if<double Problem::*>(&field.member)) check(p.**real);
  if (const auto* optional = std::get_if<std::optional<std::int64_t> Problem::*>(&field.member)) {
    if (p.**optional) check(*(p.**optional));
  }
}

void check_out_dtype(const Problem& p, std::string_view where) {
  const Dtype out = output_dtype(p);
  if (!traits(p.dtype).scaled && out != p.dtype) {
    throw UsageError(fmt::format("{0}/out_dtype: is {1}, but must be {2} because dtype is {2}", where,
                                 to_string(out), to_string(p.dtype)));
  }
  if (std::ranges::find(kOutputDtypes, out) == std::end(kOutputDtypes)) {
    throw UsageError(fmt::format("{}/out_dtype: is {}, but must be one of {}", where, to_string(out),
                                 fmt::join(kOutputDtypeWords, ", ")));
  }
}

}  // namespace

double default_scale(std::int64_t head_dim) { return 1.0 / std::sqrt(static_cast<double>(head_dim)); }

Dtype output_dtype(const Problem& p) { return p.out_dtype.value_or(traits(p.dtype).out); }

void normalize(Problem& p) {
  p.out_dtype = traits(p.dtype).scaled ? std::optional(output_dtype(p)) : std::nullopt;
  if (p.head_dim_v == p.head_dim) p.head_dim_v.reset();
  if (p.kv_dtype == p.dtype) p.kv_dtype.reset();
}

void validate(const Problem& p, std::string_view where) {
  for (const ProblemField& field : problem_fields()) check_range(field, p, where);
  if (p.heads_q % p.heads_kv != 0) {
    throw UsageError(
        fmt::format("{}/heads_q: {} is not a multiple of heads_kv = {}", where, p.heads_q, p.heads_kv));
  }
  check_out_dtype(p, where);
  if ((p.mask == MaskKind::chunk) != (p.chunk > 0)) {
    throw UsageError(
        fmt::format("{}/chunk: is {}, but the mask is {}; it must be positive for the mask \"chunk\" and 0 "
                    "for every other mask",
                    where, p.chunk, to_string(p.mask)));
  }
  const double rows = static_cast<double>(p.batch) * static_cast<double>(std::max(p.heads_q, p.heads_kv)) *
                      (static_cast<double>(std::max(p.seq_q, p.seq_kv)) + 8.0);
  const double columns = static_cast<double>(std::max(p.head_dim, p.head_dim_v.value_or(0))) + 16.0;
  const double between_batches = p.layout == Layout::far_batches
                                     ? static_cast<double>(p.batch) * 2 * static_cast<double>(kFarElements)
                                     : 0;
  if (rows * columns + between_batches > kMaxElements) {
    throw UsageError(fmt::format(
        "{}: the product of the sizes exceeds the address space (batch {}, heads {}, seq {}, head_dim {})",
        where, p.batch, std::max(p.heads_q, p.heads_kv), std::max(p.seq_q, p.seq_kv), p.head_dim));
  }
}

Mask mask_of(const Problem& p) {
  return {.kind = p.mask,
          .left = static_cast<std::int32_t>(p.window_left),
          .right = p.causal ? 0 : static_cast<std::int32_t>(p.window_right),
          .chunk = static_cast<std::int32_t>(p.chunk)};
}

TensorShape query_shape(const Problem& p) {
  return make_shape(p.layout, p.batch, p.heads_q, p.seq_q, p.head_dim);
}

TensorShape key_value_shape(const Problem& p) {
  TensorShape shape = make_shape(p.layout, p.batch, p.heads_kv, p.seq_kv, p.head_dim);
  // The span stays that of all heads and batches: a kernel that ignores strides reads no foreign memory.
  if (p.layout == Layout::shared_heads) shape.stride.head = 0;
  if (p.layout == Layout::shared_batches) shape.stride.batch = 0;
  return shape;
}

std::vector<ElementRange> memory_ranges(const TensorShape& shape) {
  const std::int64_t batch_span =
      (shape.heads - 1) * shape.stride.head + (shape.rows - 1) * shape.stride.row + shape.head_dim;
  if (shape.stride.batch - batch_span < kFarElements) return {{0, shape.span_elements}};
  std::vector<ElementRange> ranges;
  for (std::int64_t batch = 0; batch < shape.batch; ++batch) {
    const std::int64_t first = batch * shape.stride.batch;
    ranges.push_back({first, std::min(whole_ranges(batch_span), shape.span_elements - first)});
  }
  return ranges;
}

AttentionArgs attention_args(const Problem& p) {
  AttentionArgs args;
  args.q_stride = args.out_stride = query_shape(p).stride;
  args.kv.k = args.kv.v = key_value_shape(p).stride;
  args.sequences = {.batch = static_cast<std::int32_t>(p.batch),
                    .seq_q = static_cast<std::int32_t>(p.seq_q),
                    .seq_kv = static_cast<std::int32_t>(p.seq_kv)};
  args.heads_q = static_cast<std::int32_t>(p.heads_q);
  args.heads_kv = static_cast<std::int32_t>(p.heads_kv);
  args.head_dim = static_cast<std::int32_t>(p.head_dim);
  args.head_dim_v = static_cast<std::int32_t>(p.head_dim_v.value_or(p.head_dim));
  args.scale = static_cast<float>(p.scale);
  args.softcap = static_cast<float>(p.softcap);
  args.mask = mask_of(p);
  args.kv_dtype = p.kv_dtype.value_or(p.dtype);
  args.out_dtype = output_dtype(p);
  return args;
}

std::int64_t unmasked_pairs(const Problem& p) {
  const AttentionArgs args = attention_args(p);
  std::int64_t pairs = 0;
  for (std::int32_t query = 0; query < args.sequences.seq_q; ++query) {
    const KeyRange keys = args.visible_keys(0, query);
    pairs += keys.end - keys.begin;
  }
  return pairs;
}

double flops(const Problem& p) {
  const double per_pair = 4.0 * static_cast<double>(p.batch * p.heads_q) * static_cast<double>(p.head_dim);
  const double all_pairs = static_cast<double>(p.seq_q) * static_cast<double>(p.seq_kv);
  const bool windowed = p.window_left >= 0 || p.window_right >= 0 || p.mask != MaskKind::window;
  if (p.causal && !windowed && p.seq_q == p.seq_kv) return per_pair * all_pairs / 2;
  if (!mask_of(p).hides_nothing()) return per_pair * static_cast<double>(unmasked_pairs(p));
  return per_pair * all_pairs;
}

double compulsory_bytes(const Problem& p) {
  const auto in_element = static_cast<double>(size_bytes(p.dtype));
  const auto out_element = static_cast<double>(size_bytes(output_dtype(p)));
  const double query_elements = static_cast<double>(query_shape(p).elements());
  const double key_value_elements = 2 * static_cast<double>(key_value_shape(p).elements());
  const double lse_bytes = p.lse ? 4.0 * static_cast<double>(p.batch * p.heads_q * p.seq_q) : 0.0;
  return in_element * (query_elements + key_value_elements) + out_element * query_elements + lse_bytes;
}

}  // namespace flashcore
