#include "attention/problem.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "attention/problem_fields.hpp"
#include "attention/sequence_plan.hpp"
#include "attention/tensor_shapes.hpp"
#include "base/error.hpp"

namespace flashcore {
namespace {

// 2^59 two-byte elements exceed any memory and cannot overflow 64-bit byte offsets.
constexpr double kMaxElements = 576460752303423488.0;

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

std::int64_t longest(const std::vector<std::int32_t>& lengths) {
  return lengths.empty() ? 0 : *std::ranges::max_element(lengths);
}

void check_lengths(const Problem& p, std::string_view where) {
  const Lengths& lengths = *p.lengths;
  if (lengths.q.size() != lengths.kv.size()) {
    throw UsageError(fmt::format("{}/lengths: has {} query lengths, but {} key lengths", where,
                                 lengths.q.size(), lengths.kv.size()));
  }
  for (const auto* const all : {&lengths.q, &lengths.kv}) {
    if (std::ranges::any_of(*all, [](std::int32_t length) { return length < 0; })) {
      throw UsageError(fmt::format("{}/lengths: a length is negative", where));
    }
    if (longest(*all) == 0) {
      throw UsageError(
          fmt::format("{}/lengths: no sequence has a {}", where, all == &lengths.q ? "query" : "key"));
    }
    if (total(*all) + kSpareRows > std::numeric_limits<std::int32_t>::max()) {
      throw UsageError(fmt::format("{}/lengths: the sum of the lengths exceeds 32 bits", where));
    }
  }
  Problem stated = p;
  apply_lengths(stated);
  for (const auto member : {&Problem::batch, &Problem::seq_q, &Problem::seq_kv}) {
    if (p.*member == stated.*member) continue;
    const std::string_view name = member == &Problem::batch   ? "batch"
                                  : member == &Problem::seq_q ? "seq_q"
                                                              : "seq_kv";
    throw UsageError(fmt::format("{}/{}: is {}, but follows from the lengths, which give {}; leave it out",
                                 where, name, p.*member, stated.*member));
  }
}

void check_kv_cache(const Problem& p, std::string_view where) {
  const KvCache& cache = p.kv;
  if (!cache.is_paged()) {
    if (cache == KvCache{}) return;
    throw UsageError(
        fmt::format("{}/kv: only a paged cache has a page_size, an order or a shared prefix", where));
  }
  if (cache.page_size < 1 || cache.page_size > std::numeric_limits<std::int32_t>::max()) {
    throw UsageError(fmt::format("{}/kv/page_size: {} is out of range, it must be from 1 to {}", where,
                                 cache.page_size, std::numeric_limits<std::int32_t>::max()));
  }
  if (p.batch > kMaxSequences) {
    throw UsageError(fmt::format("{}/batch: a paged cache has at most {} sequences", where, kMaxSequences));
  }
  if ((cache.prefix_sequences != 0 || cache.prefix_keys != 0) &&
      (cache.prefix_sequences < 2 || cache.prefix_keys < 1)) {
    throw UsageError(fmt::format("{}/kv/shared_prefix: needs at least 2 sequences and 1 key", where));
  }
}

// Layouts that move batches apart or together mean nothing without batches.
void check_layout(const Problem& p, std::string_view where) {
  if (is_rectangular(p)) return;
  if (p.layout != Layout::shared_batches && p.layout != Layout::far_batches) return;
  throw UsageError(
      fmt::format("{}/layout: {} is possible only for sequences of equal lengths with contiguous K and V",
                  where, to_string(p.layout)));
}

}  // namespace

bool Problem::operator==(const Problem& other) const {
  return name == other.name && std::ranges::all_of(problem_fields(), [&](const ProblemField& field) {
           return !field.is_compared || is_equal(field, *this, other);
         });
}

double default_scale(std::int64_t head_dim) { return 1.0 / std::sqrt(static_cast<double>(head_dim)); }

Dtype output_dtype(const Problem& p) { return p.out_dtype.value_or(traits(p.dtype).out); }

bool is_rectangular(const Problem& p) { return !p.lengths && !p.kv.is_paged(); }

Layout default_layout(const Problem& p) { return is_rectangular(p) ? Layout::bhsd : Layout::bshd; }

void apply_lengths(Problem& p) {
  if (!p.lengths) return;
  p.batch = std::ssize(p.lengths->q);
  p.seq_q = longest(p.lengths->q);
  p.seq_kv = longest(p.lengths->kv);
}

void normalize(Problem& p) {
  p.out_dtype = traits(p.dtype).scaled ? std::optional(output_dtype(p)) : std::nullopt;
  if (p.head_dim_v == p.head_dim) p.head_dim_v.reset();
  if (p.kv_dtype == p.dtype) p.kv_dtype.reset();
}

void validate(const Problem& p, std::string_view where) {
  if (p.lengths) check_lengths(p, where);
  for (const ProblemField& field : problem_fields()) check_range(field, p, where);
  check_kv_cache(p, where);
  check_layout(p, where);
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

AttentionArgs attention_args(const Problem& p) {
  AttentionArgs args;
  args.q_stride = query_shape(p).stride;
  args.out_stride = output_shape(p).stride;
  args.kv.k = key_shape(p).stride;
  args.kv.v = value_shape(p).stride;
  args.sequences = {.batch = static_cast<std::int32_t>(p.batch),
                    .seq_q = static_cast<std::int32_t>(p.seq_q),
                    .seq_kv = static_cast<std::int32_t>(p.seq_kv)};
  if (p.lengths) {
    args.sequences.total_q = query_shape(p).rows;
    args.q_stride.batch = args.out_stride.batch = 0;
    if (!p.kv.is_paged()) {
      args.kv.k.batch = args.kv.v.batch = 0;
      args.sequences.total_k = key_shape(p).rows;
    }
  }
  if (p.kv.is_paged()) {
    args.kv.page_size = static_cast<std::int32_t>(p.kv.page_size);
    args.kv.page_table_stride = page_table_stride(p);
    args.kv.pages = key_shape(p).batch;
  }
  args.heads_q = static_cast<std::int32_t>(p.heads_q);
  args.heads_kv = static_cast<std::int32_t>(p.heads_kv);
  args.head_dim = static_cast<std::int32_t>(p.head_dim);
  args.head_dim_v = static_cast<std::int32_t>(value_columns(p));
  args.scale = static_cast<float>(p.scale);
  args.softcap = static_cast<float>(p.softcap);
  args.mask = mask_of(p);
  args.kv_dtype = key_value_dtype(p);
  args.out_dtype = output_dtype(p);
  return args;
}

}  // namespace flashcore
