#include "attention/tensor_shapes.hpp"

#include <algorithm>

#include "attention/problem.hpp"
#include "attention/sequence_plan.hpp"

namespace flashcore {
namespace {

// Gaps of the padded layout, in elements and rows. A multiple of 8 elements keeps 16-byte alignment.
constexpr std::int64_t kRowGap = 16;
constexpr std::int64_t kHeadGapRows = 3;
constexpr std::int64_t kBatchGapRows = 5;

constexpr std::int64_t kRangeElements = 64;

std::int64_t whole_ranges(std::int64_t elements) {
  return (elements + kRangeElements - 1) / kRangeElements * kRangeElements;
}

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

// Of K, or of V with other columns.
TensorShape cached_shape(const Problem& p, std::int64_t columns) {
  if (p.kv.is_paged()) {
    return make_shape(p.layout, page_count(p), p.heads_kv, p.kv.page_size, columns);
  }
  if (p.lengths) return make_shape(p.layout, 1, p.heads_kv, total(p.lengths->kv) + kSpareRows, columns);
  return make_shape(p.layout, p.batch, p.heads_kv, p.seq_kv, columns);
}

// The span stays that of all heads and batches: a kernel that ignores strides reads no foreign memory.
TensorShape shared(const Problem& p, TensorShape shape) {
  if (p.layout == Layout::shared_heads) shape.stride.head = 0;
  if (p.layout == Layout::shared_batches) shape.stride.batch = 0;
  return shape;
}

TensorShape row_shape(const Problem& p, std::int64_t columns) {
  if (p.lengths) return make_shape(p.layout, 1, p.heads_q, total(p.lengths->q) + kSpareRows, columns);
  return make_shape(p.layout, p.batch, p.heads_q, p.seq_q, columns);
}

}  // namespace

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

}  // namespace flashcore
