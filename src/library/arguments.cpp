#include "library/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "capi/convert.hpp"

namespace flashcore {
namespace {

// Offsets in bytes must fit into 64 bits, too.
constexpr std::int64_t kMaxSpan = std::numeric_limits<std::int64_t>::max() / 8;

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

void fail_field(std::string_view field, std::string_view what) {
  throw ApiError{FLASHCORE_INVALID_ARGUMENT, fmt::format("args/{}: {}", field, what)};
}

void check_no_later_member(const void* given, std::size_t given_size, std::size_t known_size) {
  if (given_size <= known_size) return;
  const auto* bytes = static_cast<const unsigned char*>(given);
  if (std::all_of(bytes + known_size, bytes + given_size, [](unsigned char byte) { return byte == 0; }))
    return;
  fail_field("struct_size", fmt::format("is {}, this library knows {} bytes, and a later member is not 0",
                                        given_size, known_size));
}

std::int64_t check_stride(const Strides& stride, const Extent& extent, std::string_view field) {
  if (stride.batch < 0 || stride.head < 0 || stride.row < 0) fail_field(field, "a stride is negative");
  std::int64_t span = extent.columns;
  for (const Axis& axis : extent.axes(stride)) {
    std::int64_t length = 0;
    const bool overflows = __builtin_mul_overflow(axis.size - 1, axis.stride, &length) ||
                           __builtin_add_overflow(span, length, &span) || span > kMaxSpan;
    if (overflows) fail_field(field, "the last element lies beyond the address space");
  }
  return span;
}

void check_distinct(const Strides& stride, const Extent& extent, std::string_view field) {
  std::array<Axis, 3> axes = extent.axes(stride);
  std::ranges::sort(axes, {}, &Axis::stride);
  std::int64_t span = extent.columns;
  for (const Axis& axis : axes) {
    if (axis.size == 1) continue;
    if (axis.stride < span) fail_field(field, "two elements would share memory");
    span += (axis.size - 1) * axis.stride;
  }
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
  problem.causal = args->window_right == 0;
  problem.window_left = args->window_left;
  problem.window_right = problem.causal ? -1 : args->window_right;
  problem.lse = args->lse != nullptr;
  validate(problem, "args");
  normalize(problem);
  const Extent queries{args->batch, args->heads_q, args->seq_q, args->head_dim};
  const Extent keys{args->batch, args->heads_kv, args->seq_kv, args->head_dim};
  check_stride(from_c(args->q_stride), queries, "q_stride");
  check_stride(from_c(args->k_stride), keys, "k_stride");
  check_stride(from_c(args->v_stride), keys, "v_stride");
  check_stride(from_c(args->out_stride), queries, "out_stride");
  check_distinct(from_c(args->out_stride), queries, "out_stride");
  check_alignments(*args, problem);
  problem.layout = layout_of(problem, from_c(args->q_stride));
  return problem;
}

void check_alignment(const void* pointer, std::size_t bytes, std::string_view field) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0) return;
  fail_field(field, fmt::format("is not aligned to {} bytes", bytes));
}

Request checked_request(const flashcore_attention* args) {
  const Problem problem = checked_problem(args);
  return {.problem = problem, .args = from_c(*args)};
}

void check_pointers(const AttentionArgs& args) {
  require(args.q != nullptr, "args/q: is null");
  require(args.k != nullptr, "args/k: is null");
  require(args.v != nullptr, "args/v: is null");
  require(args.out != nullptr, "args/out: is null");
  require(!args.kv.is_paged() || args.kv.page_table != nullptr,
          "args/page_table: is null, but page_size is not 0");
  require(args.mask.kind != MaskKind::bits || args.mask_bits != nullptr,
          "args/mask_bits: is null, but mask is FLASHCORE_MASK_BITS");
}

}  // namespace flashcore
