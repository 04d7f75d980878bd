#include "check/cpu_inputs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/common/cpu_numeric.hpp"
#include "kernels/common/cpu_threads.hpp"

namespace flashcore {
namespace {

using kernels::InputSource;

// input_value() of one row of normal values, at half its cost: neighbours are drawn as a pair.
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

// Calls use(index of the row in [batch, heads, rows], values) for every row, on all threads; fill(index of
// the row's first element, values) makes the values.
template <class Fill, class Use>
void for_each_row(const TensorShape& shape, Fill fill, Use use) {
  // Allocated here: an exception must not leave a parallel region.
  const HostBuffer<float> scratch(kernels::thread_count() * shape.head_dim);
#pragma omp parallel for
  for (std::int64_t row = 0; row < shape.batch * shape.heads * shape.rows; ++row) {
    const std::span<float> values(scratch.data() + kernels::thread_index() * shape.head_dim,
                                  static_cast<std::size_t>(shape.head_dim));
    fill(row * shape.head_dim, values);
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

// One factor for the rows of each KV head, and of the query heads that share it.
template <class Fill>
HostBuffer<float> make_descale(const TensorShape& shape, std::int64_t heads_kv, const InputSource& source,
                               Fill fill) {
  const HostBuffer<float> row_largest(shape.batch * shape.heads * shape.rows);
  for_each_row(shape, fill, [&](std::int64_t row, std::span<const float> values) {
    row_largest.data()[row] = largest_finite(values);
  });
  HostBuffer<float> descale(shape.batch * heads_kv);
  const std::int64_t rows = shape.heads / heads_kv * shape.rows;
  for (std::int64_t head = 0; head < shape.batch * heads_kv; ++head) {
    const float* first = row_largest.data() + head * rows;
    descale.data()[head] = descale_factor(source, head, *std::max_element(first, first + rows));
  }
  return descale;
}

template <class Fill>
CpuInput make_input(const TensorShape& shape, std::int64_t heads_kv, const InputSource& source, Fill fill) {
  CpuInput input{
      HostBuffer<std::byte>(shape.span_elements * static_cast<std::int64_t>(size_bytes(source.dtype))), {}};
  if (traits(source.dtype).scaled) input.descale = make_descale(shape, heads_kv, source, fill);
  const float* descale = input.descale.data();
  const std::int64_t rows_per_factor = shape.heads / heads_kv * shape.rows;
  kernels::visit_dtype(source.dtype, [&]<class T>(T) {
    T* tensor = reinterpret_cast<T*>(input.elements.data());
    std::fill_n(tensor, shape.span_elements, kernels::from_float<T>(std::numeric_limits<float>::quiet_NaN()));
    for_each_row(shape, fill, [&](std::int64_t row, std::span<const float> values) {
      const std::int64_t head = row / shape.rows;
      T* elements = kernels::row_pointer(tensor, shape.stride, head / shape.heads, head % shape.heads,
                                         row % shape.rows);
      const float factor = descale == nullptr ? 1.0f : descale[row / rows_per_factor];
      for (std::size_t d = 0; d < values.size(); ++d)
        elements[d] = kernels::from_float<T>(values[d] / factor);
    });
  });
  return input;
}

}  // namespace

CpuInput make_cpu_input(const TensorShape& shape, std::int64_t heads_kv, const InputSource& source) {
  return make_input(shape, heads_kv, source,
                    [&](std::int64_t first, std::span<float> row) { fill_row(source, first, row); });
}

CpuInput make_cpu_input(const TensorShape& shape, std::int64_t heads_kv, const InputSource& source,
                        std::span<const float> values) {
  return make_input(shape, heads_kv, source, [&](std::int64_t first, std::span<float> row) {
    std::ranges::copy(values.subspan(static_cast<std::size_t>(first), row.size()), row.begin());
  });
}

void negate(CpuInput& input, Dtype dtype) {
  const std::size_t size = size_bytes(dtype);
  const std::span<std::byte> bytes = input.elements.span();
  for (std::size_t i = size - 1; i < bytes.size(); i += size) bytes[i] ^= std::byte{0x80};  // little-endian
}

}  // namespace flashcore
