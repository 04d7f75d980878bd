#include "attention/problem.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "attention/problem_fields.hpp"
#include "attention/sequence_plan.hpp"
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

// Rows of a ragged batch's tensors that belong to no sequence.
constexpr std::int64_t kSpareRows = 3;

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

std::int64_t sum(const std::vector<std::int32_t>& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
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
    if (sum(*all) + kSpareRows > std::numeric_limits<std::int32_t>::max()) {
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

// Of K, or of V with other columns.
TensorShape cached_shape(const Problem& p, std::int64_t columns) {
  if (p.kv.is_paged()) {
    return make_shape(p.layout, page_count(p), p.heads_kv, p.kv.page_size, columns);
  }
  if (p.lengths) return make_shape(p.layout, 1, p.heads_kv, sum(p.lengths->kv) + kSpareRows, columns);
  return make_shape(p.layout, p.batch, p.heads_kv, p.seq_kv, columns);
}

// The span stays that of all heads and batches: a kernel that ignores strides reads no foreign memory.
TensorShape shared(const Problem& p, TensorShape shape) {
  if (p.layout == Layout::shared_heads) shape.stride.head = 0;
  if (p.layout == Layout::shared_batches) shape.stride.batch = 0;
  return shape;
}

TensorShape row_shape(const Problem& p, std::int64_t columns) {
  if (p.lengths) return make_shape(p.layout, 1, p.heads_q, sum(p.lengths->q) + kSpareRows, columns);
  return make_shape(p.layout, p.batch, p.heads_q, p.seq_q, columns);
}

std::int64_t pairs_of(const Mask& mask, const SequenceRows& rows) {
  if (mask.hides_nothing()) return std::int64_t{rows.queries} * rows.keys;
  std::int64_t pairs = 0;
  for (std::int32_t query = 0; query < rows.queries; ++query) {
    const KeyRange keys = mask.keys(query, rows.queries, rows.keys);
    pairs += keys.end - keys.begin;
  }
  return pairs;
}

// The rows of any sequence of a problem without lengths.
SequenceRows equal_rows(const Problem& p) {
  return {.queries = static_cast<std::int32_t>(p.seq_q), .keys = static_cast<std::int32_t>(p.seq_kv)};
}

// The pairs that flops() counts.
double counted_pairs(const Problem& p, const SequenceRows& rows) {
  const bool windowed = p.window_left >= 0 || p.window_right >= 0 || p.mask != MaskKind::window;
  const bool is_half = p.causal && !windowed && rows.queries == rows.keys;
  const double all = static_cast<double>(rows.queries) * static_cast<double>(rows.keys);
  return is_half ? all / 2 : static_cast<double>(pairs_of(mask_of(p), rows));
}

// Keys that some sequence has in memory.
std::int64_t keys_in_memory(const Problem& p) {
  const SequencePlan plan = sequence_plan(p);
  if (!p.kv.is_paged()) return plan.total_keys;
  std::int64_t keys = 0;
  for (std::size_t i = 0; i < plan.sequences.size(); ++i) {
    for (std::int64_t begin = 0; begin < plan.sequences[i].keys; begin += p.kv.page_size) {
      const auto entry = static_cast<std::int64_t>(i) * plan.paging.table_stride + begin / p.kv.page_size;
      if (plan.paging.owned[static_cast<std::size_t>(entry)])
        keys += std::min(p.kv.page_size, plan.sequences[i].keys - begin);
    }
  }
  return keys;
}

}  // namespace

bool Problem::operator==(const Problem& other) const {
  return name == other.name && std::ranges::all_of(problem_fields(), [&](const ProblemField& field) {
           return is_equal(field, *this, other);
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

TensorShape query_shape(const Problem& p) { return row_shape(p, p.head_dim); }
TensorShape output_shape(const Problem& p) { return row_shape(p, value_columns(p)); }
TensorShape key_shape(const Problem& p) { return shared(p, cached_shape(p, p.head_dim)); }
TensorShape value_shape(const Problem& p) { return shared(p, cached_shape(p, value_columns(p))); }

std::int64_t lse_elements(const Problem& p) {
  const TensorShape rows = row_shape(p, 1);
  return rows.batch * rows.heads * rows.rows;
}

std::int64_t value_columns(const Problem& p) { return p.head_dim_v.value_or(p.head_dim); }

Dtype key_value_dtype(const Problem& p) { return p.kv_dtype.value_or(p.dtype); }

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
    if (!p.kv.is_paged()) args.kv.k.batch = args.kv.v.batch = 0;
  }
  if (p.kv.is_paged()) {
    args.kv.page_size = static_cast<std::int32_t>(p.kv.page_size);
    args.kv.page_table_stride = page_table_stride(p);
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

std::int64_t unmasked_pairs(const Problem& p) {
  const Mask mask = mask_of(p);
  if (!p.lengths) return p.batch * pairs_of(mask, equal_rows(p));
  std::int64_t pairs = 0;
  for (const SequenceRows& rows : sequence_rows(p)) pairs += pairs_of(mask, rows);
  return pairs;
}

double flops(const Problem& p) {
  const double per_pair =
      2.0 * static_cast<double>(p.heads_q) * static_cast<double>(p.head_dim + value_columns(p));
  if (!p.lengths) return per_pair * static_cast<double>(p.batch) * counted_pairs(p, equal_rows(p));
  double pairs = 0;
  for (const SequenceRows& rows : sequence_rows(p)) pairs += counted_pairs(p, rows);
  return per_pair * pairs;
}

double compulsory_bytes(const Problem& p) {
  const auto in_element = static_cast<double>(size_bytes(p.dtype));
  const auto kv_element = static_cast<double>(size_bytes(key_value_dtype(p)));
  const auto out_element = static_cast<double>(size_bytes(output_dtype(p)));
  const double queries = static_cast<double>((p.lengths ? sum(p.lengths->q) : p.batch * p.seq_q) * p.heads_q);
  const double keys =
      static_cast<double>((is_rectangular(p) ? p.batch * p.seq_kv : keys_in_memory(p)) * p.heads_kv);
  const auto columns = static_cast<double>(p.head_dim);
  const auto columns_v = static_cast<double>(value_columns(p));
  const double lse_bytes = p.lse ? 4.0 * queries : 0.0;
  return queries * (in_element * columns + out_element * columns_v) +
         keys * kv_element * (columns + columns_v) + lse_bytes;
}

}  // namespace flashcore
