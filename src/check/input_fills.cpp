#include "check/input_fills.hpp"

namespace flashcore {

std::vector<InputTensorFill> split_fill(const InputTensorFill& whole) {
  const TensorShape& shape = whole.shape;
  const bool splits_heads = shape.stride.head == 0;
  if (!splits_heads && shape.stride.batch != 0 && memory_ranges(shape).size() == 1) return {whole};
  const std::int64_t heads = splits_heads ? shape.heads : 1;
  std::vector<InputTensorFill> fills;
  for (std::int64_t batch = 0; batch < shape.batch; ++batch) {
    for (std::int64_t head = 0; head < heads; ++head) {
      InputTensorFill& fill = fills.emplace_back(whole);
      const std::int64_t first = batch * shape.stride.batch + head * shape.stride.head;
      fill.elements = advance(whole.elements, first * static_cast<std::int64_t>(size_bytes(whole.dtype)));
      fill.heads_kv /= heads;
      if (fill.descale != nullptr) fill.descale += batch * whole.heads_kv + head * fill.heads_kv;
      fill.shape.batch = 1;
      fill.shape.heads /= heads;
      fill.shape.span_elements =
          (fill.shape.heads - 1) * shape.stride.head + (shape.rows - 1) * shape.stride.row + shape.head_dim;
      if (shape.stride.batch != 0) fill.seed += static_cast<std::uint64_t>(batch);
    }
  }
  return fills;
}

TensorShape contiguous_shape(const TensorShape& tensor, std::int64_t rows) {
  TensorShape shape{1, tensor.heads, rows, tensor.head_dim, {}, tensor.heads * rows * tensor.head_dim};
  shape.stride = {.batch = shape.span_elements, .head = rows * tensor.head_dim, .row = tensor.head_dim};
  return shape;
}

}  // namespace flashcore
