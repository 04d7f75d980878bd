#include "check/output_buffers.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "kernels/common/cpu_numeric.hpp"

namespace flashcore {
namespace {

using kernels::DifferenceSums;

constexpr std::int64_t kFp32 = sizeof(float);

std::int64_t out_element_bytes(const Problem& problem) {
  return static_cast<std::int64_t>(size_bytes(output_dtype(problem)));
}

// The offset of an element from the first, in elements. `index` is in [batch, heads, rows, head_dim] order.
std::int64_t element_offset(const TensorShape& shape, std::int64_t index) {
  const std::int64_t row = index / shape.head_dim;
  const std::int64_t head = row / shape.rows;
  return head / shape.heads * shape.stride.batch + head % shape.heads * shape.stride.head +
         row % shape.rows * shape.stride.row + index % shape.head_dim;
}

std::vector<float> to_floats(const std::vector<std::uint16_t>& bits, Dtype dtype) {
  std::vector<float> values(bits.size());
  kernels::visit_output_dtype(dtype, [&]<class T>(T) {
    std::ranges::transform(bits, values.begin(), [](std::uint16_t one) { return to_float(T{one}); });
  });
  return values;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double difference = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

}  // namespace

OutputBuffers::OutputBuffers(const Problem& problem, CheckDevice& device)
    : problem_(problem),
      device_(device),
      out_(device, memory_ranges(query_shape(problem)), out_element_bytes(problem)),
      lse_(device, lse_elements(problem), kFp32),
      kept_out_(device, memory_ranges(query_shape(problem)), out_element_bytes(problem)),
      kept_lse_(device, lse_elements(problem), kFp32) {}

std::int64_t OutputBuffers::required_bytes(const Problem& problem, const CheckDevice& device) {
  const std::int64_t elements = device.memory_elements(query_shape(problem));
  return 2 * (elements * out_element_bytes(problem) + kFp32 * lse_elements(problem));
}

void OutputBuffers::poison() {
  out_.poison();
  lse_.poison();
}

void OutputBuffers::keep() {
  kept_out_.copy_from(out_);
  kept_lse_.copy_from(lse_);
}

bool OutputBuffers::changed_since_kept() const {
  std::vector<MemoryRegion> regions;
  for (const GuardedMemory* memory : {&out_, &lse_, &kept_out_, &kept_lse_}) {
    std::ranges::copy(memory->regions(), std::back_inserter(regions));
  }
  const std::vector<std::uint64_t> sums = device_.fingerprints(regions);
  const auto half = static_cast<std::ptrdiff_t>(sums.size() / 2);
  return !std::equal(sums.begin(), sums.begin() + half, sums.begin() + half);
}

OutputChange OutputBuffers::largest_change() const {
  const Dtype dtype = output_dtype(problem_);
  OutputChange change{.out = largest_difference(read_out(), to_floats(out_bits(kept_out_), dtype))};
  if (problem_.lse) change.lse = largest_difference(lse_values(lse_), lse_values(kept_lse_));
  return change;
}

Observation OutputBuffers::compare(const float* out, const float* lse) const {
  const TensorShape shape = query_shape(problem_);
  const HeadSums heads = device_.compare(out_.data(), output_dtype(problem_), shape, out);
  const DifferenceSums sums = total(heads);
  Observation seen{.error = error_norms(sums, shape.elements()), .unwritten = sums.unwritten};
  for (const DifferenceSums& head : heads) seen.heads.push_back({.rel_l2 = relative_l2(head)});
  std::int64_t lse_written = 0;
  if (problem_.lse) {
    const std::int64_t count = lse_elements(problem_);
    const auto* values = static_cast<const float*>(lse_.data());
    const DifferenceSums of_lse = device_.compare_fp32(values, lse, count, 1).front();
    seen.lse = error_norms(of_lse, count);
    seen.lse_unwritten = of_lse.unwritten;
    lse_written = count - of_lse.unwritten;
  }
  seen.out_of_bounds = written_outside(shape.elements() - sums.unwritten, lse_written);
  return seen;
}

std::int64_t OutputBuffers::written_outside(std::int64_t out_written, std::int64_t lse_written) const {
  return out_.written_elements() - out_written + lse_.written_elements() - lse_written;
}

std::vector<std::uint16_t> OutputBuffers::out_bits(const GuardedMemory& memory) const {
  const TensorShape shape = query_shape(problem_);
  std::vector<std::uint16_t> bits;
  bits.reserve(static_cast<std::size_t>(shape.elements()));
  const std::vector<ElementRange> ranges = memory_ranges(shape);
  const std::int64_t per_range = shape.elements() / std::ssize(ranges);
  for (const ElementRange& range : ranges) {
    std::vector<std::uint16_t> all(static_cast<std::size_t>(range.count));
    const auto* first = static_cast<const std::uint16_t*>(memory.data()) + range.first;
    device_.copy_out(std::as_writable_bytes(std::span(all)), first);
    for (std::int64_t i = 0; i < per_range; ++i) {
      const std::int64_t offset = element_offset(shape, std::ssize(bits)) - range.first;
      bits.push_back(all[static_cast<std::size_t>(offset)]);
    }
  }
  return bits;
}

std::vector<float> OutputBuffers::read_out() const {
  return to_floats(out_bits(out_), output_dtype(problem_));
}

std::vector<bool> OutputBuffers::read_unwritten() const {
  const std::vector<std::uint16_t> bits = out_bits(out_);
  std::vector<bool> unwritten(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) unwritten[i] = bits[i] == kernels::kPoison16;
  return unwritten;
}

std::vector<float> OutputBuffers::lse_values(const GuardedMemory& memory) const {
  std::vector<float> values(static_cast<std::size_t>(lse_elements(problem_)));
  device_.copy_out(std::as_writable_bytes(std::span(values)), memory.data());
  return values;
}

std::vector<float> OutputBuffers::read_lse() const {
  return problem_.lse ? lse_values(lse_) : std::vector<float>{};
}

}  // namespace flashcore
