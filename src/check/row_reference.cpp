#include "check/row_reference.hpp"

#include <bit>
#include <limits>

namespace flashcore {
namespace {

using kernels::DifferenceSums;

constexpr std::int64_t kFp32 = sizeof(float);

const void* advance(const void* data, std::int64_t elements, Dtype dtype) {
  return static_cast<const std::byte*>(data) + elements * static_cast<std::int64_t>(size_bytes(dtype));
}

// The problem of one row: one query and the keys that it sees, without a mask. All sequences are equally
// long.
AttentionArgs row_args(const AttentionArgs& all, Dtype dtype, std::int32_t row, KeyRange keys) {
  AttentionArgs args = all;
  args.q = advance(all.q, row * all.q_stride.row, dtype);
  args.k = advance(all.k, keys.begin * all.kv.k.row, all.kv_dtype);
  args.v = advance(all.v, keys.begin * all.kv.v.row, all.kv_dtype);
  args.sequences.seq_q = 1;
  args.sequences.seq_kv = keys.end - keys.begin;
  args.mask = {};
  args.lse = nullptr;
  args.workspace = nullptr;
  return args;
}

// [batch, heads_q] of a row that sees no key: the sinks, or -inf.
std::vector<float> keyless_lse(const CheckDevice& device, const Problem& problem,
                               const AttentionArgs& launched) {
  std::vector<float> lse(static_cast<std::size_t>(problem.heads_q), -std::numeric_limits<float>::infinity());
  if (launched.sinks != nullptr) device.copy_out(std::as_writable_bytes(std::span(lse)), launched.sinks);
  std::vector<float> all;
  for (std::int64_t batch = 0; batch < problem.batch; ++batch) all.insert(all.end(), lse.begin(), lse.end());
  return all;
}

void run_row(CheckDevice& device, const RowMemory& memory, const Problem& problem,
             const AttentionArgs& launched, std::int32_t row) {
  const KeyRange keys = launched.visible_keys(0, row);
  if (keys.begin == keys.end) {
    const std::vector<float> zeros(static_cast<std::size_t>(memory.reference.bytes() / kFp32), 0.0f);
    const std::vector<float> lse = keyless_lse(device, problem, launched);
    device.copy_in(memory.reference.data(), std::as_bytes(std::span(zeros)));
    device.copy_in(memory.lse.data(), std::as_bytes(std::span(lse)));
    return;
  }
  const AttentionArgs args = row_args(launched, problem.dtype, row, keys);
  device.run_reference(args, problem.dtype, ReferenceKind::reference, memory.reference.as<float>(),
                       memory.lse.as<float>());
}

TensorShape row_shape(const Problem& problem) {
  TensorShape shape = output_shape(problem);
  shape.rows = 1;
  return shape;
}

// Converts an index in [batch, heads_q, 1, width] to an index in [batch, heads_q, seq_q, width].
std::int64_t index_in_all_rows(const Problem& problem, std::int32_t row, std::int64_t index,
                               std::int64_t width) {
  if (index < 0) return index;
  return (index / width * problem.seq_q + row) * width + index % width;
}

std::vector<float> read(const CheckDevice& device, const void* from, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  device.copy_out(std::as_writable_bytes(std::span(values)), from);
  return values;
}

ErrorNorms compare_lse(const CheckDevice& device, const Problem& problem, const AttentionArgs& launched,
                       std::int32_t row, const Memory& expected) {
  const std::int64_t heads = problem.batch * problem.heads_q;
  const std::vector<float> got = read(device, launched.lse, heads * problem.seq_q);
  const std::vector<float> want = read(device, expected.data(), heads);
  DifferenceSums sums;
  for (std::int64_t head = 0; head < heads; ++head) {
    const float value = got[static_cast<std::size_t>(head * problem.seq_q + row)];
    const bool poisoned = std::bit_cast<std::uint32_t>(value) == kernels::kPoison32;
    add_difference(sums, value, want[static_cast<std::size_t>(head)], poisoned, head);
  }
  ErrorNorms norms = error_norms(sums, heads);
  norms.nonfinite += sums.unwritten;
  norms.worst_index = index_in_all_rows(problem, row, norms.worst_index, 1);
  return norms;
}

}  // namespace

RowMemory::RowMemory(CheckDevice& device, const Problem& problem)
    : reference(device.allocate(kFp32 * problem.batch * problem.heads_q * value_columns(problem))),
      unfused(device.allocate(reference.bytes())),
      lse(device.allocate(kFp32 * problem.batch * problem.heads_q)) {}

Observation compare_row(CheckDevice& device, const RowMemory& memory, const Problem& problem,
                        const AttentionArgs& launched, std::int32_t row) {
  run_row(device, memory, problem, launched, row);
  const TensorShape shape = row_shape(problem);
  const auto* out = advance(launched.out, row * launched.out_stride.row, output_dtype(problem));
  const DifferenceSums sums =
      total(device.compare(out, output_dtype(problem), shape, memory.reference.as<float>()));
  Observation seen{.error = error_norms(sums, shape.elements())};
  seen.error.nonfinite += sums.unwritten;
  seen.error.worst_index = index_in_all_rows(problem, row, seen.error.worst_index, value_columns(problem));
  if (problem.lse) seen.lse = compare_lse(device, problem, launched, row, memory.lse);
  return seen;
}

ErrorNorms unfused_row_error(CheckDevice& device, const RowMemory& memory, const Problem& problem,
                             const AttentionArgs& launched, std::int32_t row) {
  const KeyRange keys = launched.visible_keys(0, row);
  if (keys.begin == keys.end) return {};
  device.run_reference(row_args(launched, problem.dtype, row, keys), problem.dtype, ReferenceKind::unfused,
                       memory.unfused.as<float>(), nullptr);
  const std::int64_t count = row_shape(problem).elements();
  const HeadSums unfused =
      device.compare_fp32(memory.unfused.as<float>(), memory.reference.as<float>(), count, 1);
  return unfused_norms(unfused.front(), count);
}

}  // namespace flashcore
