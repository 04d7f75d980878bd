#include "attention/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "base/error.hpp"

namespace flashcore {
namespace {

// Gaps of the padded layout, in elements and rows; multiples of 8 elements keep 16-byte alignment.
constexpr std::int64_t kRowGap = 16;
constexpr std::int64_t kHeadGapRows = 3;
constexpr std::int64_t kBatchGapRows = 5;

// 2^59 two-byte elements: far above any memory, far below overflow of 64-bit byte offsets.
constexpr double kMostElements = 576460752303423488.0;

TensorShape make_shape(Layout layout, std::int64_t batch, std::int64_t heads, std::int64_t rows,
                       std::int64_t head_dim) {
  TensorShape shape{batch, heads, rows, head_dim, {}, 0};
  switch (layout) {
    case Layout::bhsd:
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
  }
  shape.span_elements = (batch - 1) * shape.stride.batch + (heads - 1) * shape.stride.head +
                        (rows - 1) * shape.stride.row + head_dim;
  return shape;
}

void check_size(std::int64_t value, std::string_view name, std::string_view where) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (value < 1 || value > kMost) {
    throw UsageError(
        fmt::format("{}/{}: {} is out of range, it must be from 1 to {}", where, name, value, kMost));
  }
}

void check_out_dtype(const Problem& p, std::string_view where) {
  const Dtype out = output_dtype(p);
  if (!traits(p.dtype).scaled && out != p.dtype) {
    throw UsageError(fmt::format("{0}/out_dtype: is {1}, but O of {2} problems is {2}", where, to_string(out),
                                 to_string(p.dtype)));
  }
  if (std::ranges::find(kOutputDtypes, out) == std::end(kOutputDtypes)) {
    throw UsageError(fmt::format("{}/out_dtype: O cannot be {}", where, to_string(out)));
  }
}

}  // namespace

double default_scale(std::int64_t head_dim) { return 1.0 / std::sqrt(static_cast<double>(head_dim)); }

Dtype output_dtype(const Problem& p) { return p.out_dtype.value_or(traits(p.dtype).out); }

void settle_out_dtype(Problem& p) {
  p.out_dtype = traits(p.dtype).scaled ? std::optional(output_dtype(p)) : std::nullopt;
}

std::string describe(const Problem& p) {
  std::string text = fmt::format("b{}_hq{}_hkv{}_q{}_kv{}_d{}_{}", p.batch, p.heads_q, p.heads_kv, p.seq_q,
                                 p.seq_kv, p.head_dim, to_string(p.dtype));
  if (output_dtype(p) != traits(p.dtype).out) text += fmt::format("_out{}", to_string(output_dtype(p)));
  if (p.causal) text += "_causal";
  if (p.window_left >= 0) text += fmt::format("_wl{}", p.window_left);
  if (p.window_right >= 0) text += fmt::format("_wr{}", p.window_right);
  if (p.softcap > 0) text += fmt::format("_cap{}", p.softcap);
  if (p.layout != Layout::bhsd) text += fmt::format("_{}", to_string(p.layout));
  if (p.lse) text += "_lse";
  return text;
}

void validate(const Problem& p, std::string_view where) {
  check_size(p.batch, "batch", where);
  check_size(p.heads_q, "heads_q", where);
  check_size(p.heads_kv, "heads_kv", where);
  check_size(p.seq_q, "seq_q", where);
  check_size(p.seq_kv, "seq_kv", where);
  check_size(p.head_dim, "head_dim", where);
  if (p.heads_q % p.heads_kv != 0) {
    throw UsageError(
        fmt::format("{}/heads_q: {} is not a multiple of heads_kv = {}", where, p.heads_q, p.heads_kv));
  }
  check_out_dtype(p, where);
  if (!std::isfinite(p.scale)) throw UsageError(fmt::format("{}/scale: must be a finite number", where));
  if (!std::isfinite(p.softcap) || p.softcap < 0) {
    throw UsageError(fmt::format("{}/softcap: must be 0 (none) or a positive number", where));
  }
  const auto check_window = [&](std::int64_t value, std::string_view name) {
    if (value < -1 || value > std::numeric_limits<std::int32_t>::max()) {
      throw UsageError(fmt::format("{}/{}: {} is out of range, it must be -1 (unlimited) or a number of keys",
                                   where, name, value));
    }
  };
  check_window(p.window_left, "window_left");
  check_window(p.window_right, "window_right");
  const double rows = static_cast<double>(p.batch) * static_cast<double>(std::max(p.heads_q, p.heads_kv)) *
                      (static_cast<double>(std::max(p.seq_q, p.seq_kv)) + 8.0);
  if (rows * (static_cast<double>(p.head_dim) + 16.0) > kMostElements) {
    throw UsageError(fmt::format(
        "{}: the sizes multiply to more elements than can be addressed (batch {}, heads {}, "
        "seq {}, head_dim {})",
        where, p.batch, std::max(p.heads_q, p.heads_kv), std::max(p.seq_q, p.seq_kv), p.head_dim));
  }
}

TensorShape query_shape(const Problem& p) {
  return make_shape(p.layout, p.batch, p.heads_q, p.seq_q, p.head_dim);
}

TensorShape key_value_shape(const Problem& p) {
  return make_shape(p.layout, p.batch, p.heads_kv, p.seq_kv, p.head_dim);
}

ScaledAttentionArgs attention_args(const Problem& p) {
  ScaledAttentionArgs args;
  args.q_stride = args.out_stride = query_shape(p).stride;
  args.k_stride = args.v_stride = key_value_shape(p).stride;
  args.batch = static_cast<std::int32_t>(p.batch);
  args.heads_q = static_cast<std::int32_t>(p.heads_q);
  args.heads_kv = static_cast<std::int32_t>(p.heads_kv);
  args.seq_q = static_cast<std::int32_t>(p.seq_q);
  args.seq_kv = static_cast<std::int32_t>(p.seq_kv);
  args.head_dim = static_cast<std::int32_t>(p.head_dim);
  args.scale = static_cast<float>(p.scale);
  args.softcap = static_cast<float>(p.softcap);
  args.window_left = static_cast<std::int32_t>(p.window_left);
  args.window_right = p.causal ? 0 : static_cast<std::int32_t>(p.window_right);
  args.out_dtype = output_dtype(p);
  return args;
}

std::int64_t unmasked_pairs(const Problem& p) {
  const AttentionArgs args = attention_args(p);
  std::int64_t pairs = 0;
  for (std::int32_t query = 0; query < args.seq_q; ++query) {
    const KeyRange keys = visible_keys(args, query);
    pairs += keys.end - keys.begin;
  }
  return pairs;
}

double flops(const Problem& p) {
  const double per_pair = 4.0 * static_cast<double>(p.batch * p.heads_q) * static_cast<double>(p.head_dim);
  const double all_pairs = static_cast<double>(p.seq_q) * static_cast<double>(p.seq_kv);
  const bool windowed = p.window_left >= 0 || p.window_right >= 0;
  if (p.causal && !windowed && p.seq_q == p.seq_kv) return per_pair * all_pairs / 2;
  if (p.causal || windowed) return per_pair * static_cast<double>(unmasked_pairs(p));
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
