#include "check/output_buffers.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>

#include "attention/sequence_plan.hpp"
#include "kernels/common/cpu_numeric.hpp"

namespace flashcore {
namespace {

using kernels::DifferenceSums;

constexpr std::int64_t kFp32 = sizeof(float);

std::int64_t out_element_bytes(const Problem& problem) {
  return static_cast<std::int64_t>(size_bytes(output_dtype(problem)));
}

// The part of a tensor that one sequence has: a tensor of its own, `offset` elements after the first one of all, and its
// elements from `first` on, counted without gaps.
struct SequenceOutput {
  TensorShape shape;
  std::int64_t offset;
  std::int64_t first;
};

std::vector<SequenceOutput> parts_of(const Problem& problem, const TensorShape& shape) {
  if (!problem.lengths) return {{shape, 0, 0}};
  std::vector<SequenceOutput> parts;
  for (const SequenceRows& rows : sequence_rows(problem)) {
    SequenceOutput& part = parts.emplace_back();
    part.shape = shape;
    part.shape.rows = rows.queries;
    part.offset = rows.first_query * shape.stride.row;
    part.first = rows.first_query * shape.heads * shape.head_dim;
  }
  return parts;
}

std::int64_t elements_of(const std::vector<SequenceOutput>& parts) {
  std::int64_t elements = 0;
  for (const SequenceOutput& part : parts) elements += part.shape.elements();
  return elements;
}

// Calls use(distance from the first element of all) for every element, in the order without gaps.
template <class Use>
void for_each_element(const std::vector<SequenceOutput>& parts, Use use) {
  for (const auto& [shape, offset, first] : parts) {
    for (std::int64_t batch = 0; batch < shape.batch; ++batch) {
      for (std::int64_t head = 0; head < shape.heads; ++head) {
        for (std::int64_t row = 0; row < shape.rows; ++row) {
          const std::int64_t begin =
              offset + batch * shape.stride.batch + head * shape.stride.head + row * shape.stride.row;
          for (std::int64_t column = 0; column < shape.head_dim; ++column) use(begin + column);
        }
      }
    }
  }
}

// The log-sum-exp as a tensor of one column.
TensorShape lse_shape(const Problem& problem) {
  TensorShape shape = query_shape(problem);
  shape.head_dim = 1;
  shape.stride = {.batch = shape.heads * shape.rows, .head = shape.rows, .row = 1};
  shape.span_elements = shape.elements();
  return shape;
}

void shift(DifferenceSums& sums, std::int64_t first) {
  for (std::int64_t* index : {&sums.worst_index, &sums.nonfinite_index, &sums.unwritten_index}) {
    if (*index >= 0) *index += first;
  }
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
      out_(device, memory_ranges(output_shape(problem)), out_element_bytes(problem)),
      lse_(device, lse_elements(problem), kFp32),
      kept_out_(device, memory_ranges(output_shape(problem)), out_element_bytes(problem)),
      kept_lse_(device, lse_elements(problem), kFp32) {}

std::int64_t OutputBuffers::required_bytes(const Problem& problem, const CheckDevice& device) {
  const std::int64_t elements = device.memory_elements(output_shape(problem));
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

HeadSums OutputBuffers::compare_heads(const float* out) const {
  HeadSums heads;
  const auto* data = static_cast<const std::byte*>(out_.data());
  for (const auto& [shape, offset, first] : parts_of(problem_, output_shape(problem_))) {
    if (shape.rows == 0) {
      heads.resize(heads.size() + static_cast<std::size_t>(shape.heads));
      continue;
    }
    HeadSums part = device_.compare(data + offset * out_element_bytes(problem_), output_dtype(problem_),
                                    shape, out + first);
    for (DifferenceSums& sums : part) shift(sums, first);
    std::ranges::copy(part, std::back_inserter(heads));
  }
  return heads;
}

DifferenceSums OutputBuffers::compare_lse(const float* lse) const {
  if (!problem_.lengths) {
    return device_.compare_fp32(static_cast<const float*>(lse_.data()), lse, lse_elements(problem_), 1)
        .front();
  }
  const std::vector<float> got = read_lse();
  std::vector<float> wanted(got.size());
  device_.copy_out(std::as_writable_bytes(std::span(wanted)), lse);
  DifferenceSums sums;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool poisoned = std::bit_cast<std::uint32_t>(got[i]) == kernels::kPoison32;
    add_difference(sums, got[i], wanted[i], poisoned, static_cast<std::int64_t>(i));
  }
  return sums;
}

Observation OutputBuffers::compare(const float* out, const float* lse) const {
  const HeadSums heads = compare_heads(out);
  const DifferenceSums sums = total(heads);
  const std::int64_t elements = elements_of(parts_of(problem_, output_shape(problem_)));
  Observation seen{.error = error_norms(sums, elements), .unwritten = sums.unwritten};
  for (const DifferenceSums& head : heads) seen.heads.push_back({.rel_l2 = relative_l2(head)});
  std::int64_t lse_written = 0;
  if (problem_.lse) {
    const std::int64_t count = elements_of(parts_of(problem_, lse_shape(problem_)));
    const DifferenceSums of_lse = compare_lse(lse);
    seen.lse = error_norms(of_lse, count);
    seen.lse_unwritten = of_lse.unwritten;
    lse_written = count - of_lse.unwritten;
  }
  seen.out_of_bounds = written_outside(elements - sums.unwritten, lse_written);
  return seen;
}

std::int64_t OutputBuffers::elements() const {
  return elements_of(parts_of(problem_, output_shape(problem_)));
}

std::int64_t OutputBuffers::written_outside(std::int64_t out_written, std::int64_t lse_written) const {
  return out_.written_elements() - out_written + lse_.written_elements() - lse_written;
}

std::vector<std::uint16_t> OutputBuffers::out_bits(const GuardedMemory& memory) const {
  const TensorShape shape = output_shape(problem_);
  const std::vector<SequenceOutput> parts = parts_of(problem_, shape);
  std::vector<std::uint16_t> bits;
  bits.reserve(static_cast<std::size_t>(elements_of(parts)));
  const std::vector<ElementRange> ranges = memory_ranges(shape);
  std::vector<std::uint16_t> all;  // of one range
  std::size_t next = 0;
  std::int64_t first = 0;
  for_each_element(parts, [&](std::int64_t offset) {
    if (next == 0 || offset >= first + std::ssize(all)) {
      const ElementRange& range = ranges[next++];
      first = range.first;
      all.resize(static_cast<std::size_t>(range.count));
      device_.copy_out(std::as_writable_bytes(std::span(all)),
                       static_cast<const std::uint16_t*>(memory.data()) + first);
    }
    bits.push_back(all[static_cast<std::size_t>(offset - first)]);
  });
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
  std::vector<float> all(static_cast<std::size_t>(lse_elements(problem_)));
  device_.copy_out(std::as_writable_bytes(std::span(all)), memory.data());
  if (!problem_.lengths) return all;
  std::vector<float> values;
  for_each_element(parts_of(problem_, lse_shape(problem_)),
                   [&](std::int64_t offset) { values.push_back(all[static_cast<std::size_t>(offset)]); });
  return values;
}

std::vector<float> OutputBuffers::read_lse() const {
  return problem_.lse ? lse_values(lse_) : std::vector<float>{};
}

}  // namespace flashcore
