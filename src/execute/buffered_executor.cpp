#include "execute/buffered_executor.hpp"

#include <fmt/format.h>

#include "registry/supports.hpp"

namespace flashcore {

void BufferedExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  forget_addresses();
  buffers_.reset();  // before the next problem takes its memory
  workspace_ = nullptr;
  buffers_ = std::make_unique<ProblemBuffers>(problem, seed, inputs, launcher_.device());
}

std::string BufferedExecutor::unsupported(const Variant& variant) const {
  return unsupported_reason(variant, buffers_->problem(), buffers_->args(0), target_of(device()));
}

AttentionArgs BufferedExecutor::args(const Variant& variant, std::int64_t set) {
  AttentionArgs args = launcher_.args(variant, *buffers_, set);
  if (args.workspace != nullptr && args.workspace != workspace_) {
    if (workspace_ != nullptr) forget_addresses();
    workspace_ = args.workspace;
  }
  return args;
}

Check BufferedExecutor::verify(const Variant& variant, const CheckPolicy& policy) {
  const AttentionArgs arguments = args(variant, 0);
  buffers_->poison_outputs();
  launcher_.launch(variant, arguments);
  launcher_.device().wait(fmt::format("running {}", variant.id()));
  return buffers_->check_outputs(policy);
}

Check BufferedExecutor::verify_negated(const Variant& variant, const CheckPolicy& policy) {
  const AttentionArgs arguments = args(variant, 0);
  buffers_->negate_values();
  launcher_.launch(variant, arguments);
  launcher_.device().wait(fmt::format("running {}", variant.id()));
  Check check = buffers_->check_outputs(policy);
  buffers_->negate_values();
  return check;
}

}  // namespace flashcore
