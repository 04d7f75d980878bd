#include "library/arguments.hpp"

#include <fmt/format.h>

#include "capi/convert.hpp"

namespace flashcore {
namespace {

void check_stride(const flashcore_strides& stride, std::string_view name) {
  if (stride.batch < 0 || stride.head < 0 || stride.row < 0) {
    throw ApiError{FLASHCORE_INVALID_ARGUMENT, fmt::format("args/{}: a stride is negative", name)};
  }
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
  check_stride(args->q_stride, "q_stride");
  check_stride(args->k_stride, "k_stride");
  check_stride(args->v_stride, "v_stride");
  check_stride(args->out_stride, "out_stride");
  problem.layout = layout_of(problem, from_c(args->q_stride));
  return problem;
}

void check_pointers(const flashcore_attention& args) {
  require(args.q != nullptr, "args/q: is null");
  require(args.k != nullptr, "args/k: is null");
  require(args.v != nullptr, "args/v: is null");
  require(args.out != nullptr, "args/out: is null");
}

}  // namespace flashcore
