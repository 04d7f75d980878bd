#include "check/cpu_inputs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/common/cpu_numeric.hpp"
#include "kernels/common/cpu_threads.hpp"

namespace flashcore {
namespace {

using kernels::InputSource;

// input_value() of one row of normal values, in half the time: neighbours are drawn as a pair.
void fill_normal_row(std::uint64_t stream, std::uint64_t first_index, std::span<float> row) {
  kernels::NormalPair pair{};
  for (std::size_t d = 0; d < row.size(); ++d) {
    const std::uint64_t index = first_index + d;
    if (d == 0 || index % 2 == 0) pair = kernels::normal_pair(stream, index / 2);
    row[d] = index % 2 == 0 ? pair.first : pair.second;
  }
}

// input_value() of one row, whose first element has this index in the tensor without gaps.
void fill_row(const InputSource& source, std::int64_t first, std::span<float> row) {
  const auto first_index = static_cast<std::uint64_t>(first);
  if (source.kind == kernels::InputKind::normal) return fill_normal_row(source.stream, first_index, row);
  const std::int64_t row_index = first / static_cast<std::int64_t>(row.size()) % source.rows;
  for (std::size_t d = 0; d < row.size(); ++d) {
    row[d] = input_value(source, {row_index, static_cast<std::int64_t>(d), first_index + d});
  }
}

// Calls use(index of the row in [batch, heads, rows], values) for every row, on all threads; make(index of
// the row's first element, values) makes the values.
template <class Make, class Use>
void for_each_row(const TensorShape& shape, Make make, Use use) {
  // Allocated here: an exception must not leave a parallel region.
  std::vector<float> scratch(static_cast<std::size_t>(kernels::thread_count() * shape.head_dim));
#pragma omp parallel for
  for (std::int64_t row = 0; row < shape.batch * shape.heads * shape.rows; ++row) {
    const std::span<float> values(scratch.data() + kernels::thread_index() * shape.head_dim,
                                  static_cast<std::size_t>(shape.head_dim));
    make(row * shape.head_dim, values);
    use(row, values);
  }
}

float largest_finite(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

// One factor per KV head, for its rows or for the rows of the query heads that share it.
template <class Make>
void make_descale(const InputTensorFill& fill, const InputSource& source, Make make) {
  const TensorShape& shape = fill.shape;
  std::vector<float> row_largest(static_cast<std::size_t>(shape.batch * shape.heads * shape.rows));
  for_each_row(shape, make, [&](std::int64_t row, std::span<const float> values) {
    row_largest[static_cast<std::size_t>(row)] = largest_finite(values);
  });
  const std::int64_t rows = shape.heads / fill.heads_kv * shape.rows;
  for (std::int64_t head = 0; head < shape.batch * fill.heads_kv; ++head) {
    const float* first = row_largest.data() + head * rows;
    fill.descale[head] = descale_factor(source, head, *std::max_element(first, first + rows));
  }
}

template <class Make>
void fill_with(const InputTensorFill& fill, const InputSource& source, Make make) {
  const TensorShape& shape = fill.shape;
  if (fill.descale != nullptr) make_descale(fill, source, make);
  const std::int64_t rows_per_factor = shape.heads / fill.heads_kv * shape.rows;
  kernels::visit_dtype(fill.dtype, [&]<class T>(T) {
    T* tensor = static_cast<T*>(fill.elements);
    std::fill_n(tensor, shape.span_elements, kernels::from_float<T>(std::numeric_limits<float>::quiet_NaN()));
    for_each_row(shape, make, [&](std::int64_t row, std::span<const float> values) {
      const std::int64_t head = row / shape.rows;
      T* elements = kernels::row_pointer(tensor, shape.stride, head / shape.heads, head % shape.heads,
                                         row % shape.rows);
      const float factor = fill.descale == nullptr ? 1.0f : fill.descale[row / rows_per_factor];
      for (std::size_t d = 0; d < values.size(); ++d)
        elements[d] = kernels::from_float<T>(values[d] / factor);
    });
  });
}

InputSource source_of(const InputTensorFill& fill) {
  return {.kind = fill.kind,
          .dtype = fill.dtype,
          .tensor = fill.tensor,
          .stream = kernels::random_stream(fill.seed, fill.tensor, fill.set),
          .rows = fill.shape.rows};
}

}  // namespace

void fill_host_input(const InputTensorFill& fill) {
  const InputSource source = source_of(fill);
  fill_with(fill, source, [&](std::int64_t first, std::span<float> row) { fill_row(source, first, row); });
}

void write_host_input(const InputTensorFill& fill, std::span<const float> values) {
  fill_with(fill, source_of(fill), [&](std::int64_t first, std::span<float> row) {
    std::ranges::copy(values.subspan(static_cast<std::size_t>(first), row.size()), row.begin());
  });
}

}  // namespace flashcore
