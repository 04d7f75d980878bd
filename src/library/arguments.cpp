#include "library/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "capi/convert.hpp"

namespace flashcore {
namespace {

[[noreturn]] void fail(std::string_view field, std::string_view what) {
  throw ApiError{FLASHCORE_INVALID_ARGUMENT, fmt::format("args/{}: {}", field, what)};
}

// An axis of a tensor: how many places it has, and how many elements lie between two.
struct Axis {
  std::int64_t size;
  std::int64_t stride;
};

// The sizes of a tensor with strides of the caller.
struct Extent {
  std::int64_t batch;
  std::int64_t heads;
  std::int64_t rows;
  std::int64_t head_dim;

  std::array<Axis, 3> axes(const flashcore_strides& stride) const {
    return {{{batch, stride.batch}, {heads, stride.head}, {rows, stride.row}}};
  }
};

// Offsets in bytes must fit into 64 bits, too.
constexpr std::int64_t kMaxSpan = std::numeric_limits<std::int64_t>::max() / 8;

void check_stride(const flashcore_strides& stride, const Extent& extent, std::string_view field) {
  if (stride.batch < 0 || stride.head < 0 || stride.row < 0) fail(field, "a stride is negative");
  std::int64_t span = extent.head_dim;
  for (const Axis& axis : extent.axes(stride)) {
    std::int64_t length = 0;
    const bool overflows = __builtin_mul_overflow(axis.size - 1, axis.stride, &length) ||
                           __builtin_add_overflow(span, length, &span) || span > kMaxSpan;
    if (overflows) fail(field, "the last element lies beyond the address space");
  }
}

// Two elements of an output must not share memory: each axis steps over everything that the axes with smaller strides
// span.
void check_distinct(const flashcore_strides& stride, const Extent& extent, std::string_view field) {
  std::array<Axis, 3> axes = extent.axes(stride);
  std::ranges::sort(axes, {}, &Axis::stride);
  std::int64_t span = extent.head_dim;
  for (const Axis& axis : axes) {
    if (axis.size == 1) continue;
    if (axis.stride < span) fail(field, "two elements would share memory");
    span += (axis.size - 1) * axis.stride;
  }
}

void check_alignments(const flashcore_attention& args, const Problem& problem) {
  const std::size_t in_bytes = size_bytes(problem.dtype);
  check_alignment(args.q, in_bytes, "q");
  check_alignment(args.k, in_bytes, "k");
  check_alignment(args.v, in_bytes, "v");
  check_alignment(args.out, size_bytes(output_dtype(problem)), "out");
  check_alignment(args.lse, alignof(float), "lse");
  check_alignment(args.q_descale, alignof(float), "q_descale");
  check_alignment(args.k_descale, alignof(float), "k_descale");
  check_alignment(args.v_descale, alignof(float), "v_descale");
}

// The layout with the strides of Q; Layout::padded if no dense layout has them.
Layout layout_of(Problem problem, const Strides& q_stride) {
  for (const Layout layout : {Layout::bhsd, Layout::bshd}) {
    problem.layout = layout;
    if (query_shape(problem).stride == q_stride) return layout;
  }
  return Layout::padded;
}

}  // namespace

void require(bool condition, std::string_view message) {
  if (!condition) throw ApiError{FLASHCORE_INVALID_ARGUMENT, std::string(message)};
}

Problem checked_problem(const flashcore_attention* args) {
  require(args != nullptr, "args: is null");
  require(is_dtype(args->dtype), "args/dtype: must be FLASHCORE_FP16, FLASHCORE_BF16 or FLASHCORE_E4M3");
  require(args->out_dtype == kDefaultOutDtype || is_dtype(args->out_dtype),
          "args/out_dtype: must be -1, FLASHCORE_FP16 or FLASHCORE_BF16");
  Problem problem;
  problem.batch = args->batch;
  problem.heads_q = args->heads_q;
  problem.heads_kv = args->heads_kv;
  problem.seq_q = args->seq_q;
  problem.seq_kv = args->seq_kv;
  problem.head_dim = args->head_dim;
  problem.dtype = static_cast<Dtype>(args->dtype);
  if (args->out_dtype != kDefaultOutDtype) problem.out_dtype = static_cast<Dtype>(args->out_dtype);
  problem.scale = static_cast<double>(args->scale);
  problem.softcap = static_cast<double>(args->softcap);
  problem.window_left = args->window_left;
  problem.window_right = args->window_right;
  problem.lse = args->lse != nullptr;
  validate(problem, "args");
  normalize(problem);
  const Extent queries{args->batch, args->heads_q, args->seq_q, args->head_dim};
  const Extent keys{args->batch, args->heads_kv, args->seq_kv, args->head_dim};
  check_stride(args->q_stride, queries, "q_stride");
  check_stride(args->k_stride, keys, "k_stride");
  check_stride(args->v_stride, keys, "v_stride");
  check_stride(args->out_stride, queries, "out_stride");
  check_distinct(args->out_stride, queries, "out_stride");
  check_alignments(*args, problem);
  problem.layout = layout_of(problem, from_c(args->q_stride));
  return problem;
}

void check_alignment(const void* pointer, std::size_t bytes, std::string_view field) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0) return;
  fail(field, fmt::format("is not aligned to {} bytes", bytes));
}

void check_pointers(const flashcore_attention& args) {
  require(args.q != nullptr, "args/q: is null");
  require(args.k != nullptr, "args/k: is null");
  require(args.v != nullptr, "args/v: is null");
  require(args.out != nullptr, "args/out: is null");
}

}  // namespace flashcore
