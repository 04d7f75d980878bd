#include "check/problem_buffers.hpp"

#include <algorithm>

namespace flashcore {
namespace {

constexpr std::int64_t kFp32 = sizeof(float);

// Of Q, K and V, where `elements` gives those of a tensor.
template <class Elements>
std::int64_t set_bytes(const Problem& problem, Elements elements) {
  const auto kv_element = static_cast<std::int64_t>(size_bytes(key_value_dtype(problem)));
  return elements(query_shape(problem)) * static_cast<std::int64_t>(size_bytes(problem.dtype)) +
         (elements(key_shape(problem)) + elements(value_shape(problem))) * kv_element;
}

std::int64_t input_set_bytes(const Problem& problem) {
  return set_bytes(problem, [](const TensorShape& shape) { return shape.span_elements; });
}

}  // namespace

std::int64_t ProblemBuffers::input_sets(const Problem& problem, const DeviceInfo& info) {
  const std::int64_t set = input_set_bytes(problem);
  const std::int64_t wanted = std::min((2 * info.l2_bytes + set - 1) / set, kMaxSets);
  return std::max<std::int64_t>(std::min(wanted, info.free_memory_bytes / 4 / set), 1);
}

std::int64_t ProblemBuffers::required_bytes(const Problem& problem, const DeviceInfo& info,
                                            const CheckDevice& device) {
  const std::int64_t set =
      set_bytes(problem, [&](const TensorShape& shape) { return device.memory_elements(shape); });
  const std::int64_t references = is_rectangular(problem) ? 1 : 2;
  return input_sets(problem, info) * set + OutputBuffers::required_bytes(problem, device) +
         references * Reference::required_bytes(problem, device);
}

ProblemBuffers::ProblemBuffers(const Problem& problem, CheckDevice& device)
    : problem_(problem),
      device_(device),
      inputs_(problem_, device),
      outputs_(problem_, device),
      reference_(problem_, device, inputs_),
      row_memory_(device, problem) {}

ProblemBuffers::ProblemBuffers(const Problem& problem, std::uint64_t seed, kernels::InputKind kind,
                               CheckDevice& device)
    : ProblemBuffers(problem, device) {
  seed_ = seed;
  kind_ = kind;
  make_input_sets(1);
  reference_.compute(args({}));
}

ProblemBuffers::ProblemBuffers(const Problem& problem, const ChosenInputs& inputs, CheckDevice& device,
                               WithoutReference without)
    : ProblemBuffers(problem, device) {
  inputs_.set_unused_rows(without.unused_rows);
  inputs_.choose(inputs);
}

ProblemBuffers::ProblemBuffers(const Problem& problem, const ChosenInputs& inputs, CheckDevice& device)
    : ProblemBuffers(problem, inputs, device, WithoutReference{}) {
  reference_.compute(args({}));
}

AttentionArgs ProblemBuffers::args(InputView view) const {
  AttentionArgs arguments = attention_args(problem_);
  inputs_.point(arguments, view);
  arguments.out = outputs_.out();
  arguments.lse = problem_.lse ? outputs_.lse() : nullptr;
  return arguments;
}

void* ProblemBuffers::workspace(std::int64_t bytes) {
  workspace_used_ = bytes;
  if (bytes == 0) return nullptr;
  if (bytes > workspace_.bytes()) {
    workspace_ = {};  // frees it before the larger one is allocated
    workspace_ = GuardedMemory(device_, (bytes + kFp32 - 1) / kFp32, kFp32);
    workspace_.poison();
  }
  return workspace_.data();
}

void ProblemBuffers::poison_outputs() {
  outputs_.poison();
  if (workspace_.bytes() > 0) workspace_.poison();
}

std::int64_t ProblemBuffers::past_workspace() const {
  return workspace_used_ > 0 ? workspace_.written_beyond(workspace_used_) : 0;
}

Check ProblemBuffers::check_outputs(const CheckPolicy& policy) const {
  return reference_.check(outputs_, past_workspace(), policy);
}

Check ProblemBuffers::check_all_rows(const AttentionArgs& launched, const CheckPolicy& policy) {
  if (!current_reference_) current_reference_.emplace(problem_, device_, inputs_);
  current_reference_->compute(launched);
  return current_reference_->check(outputs_, past_workspace(), policy);
}

void ProblemBuffers::set_lengths(const Lengths& lengths) {
  problem_.lengths = lengths;
  inputs_.restore();
  reference_.compute(args({}));
}

void ProblemBuffers::choose(const std::optional<Lengths>& lengths, const ChosenInputs& inputs) {
  problem_.lengths = lengths;
  inputs_.choose(inputs);
}

Check ProblemBuffers::check_rows(const AttentionArgs& launched, std::span<const std::int32_t> rows,
                                 const CheckPolicy& policy) {
  if (!is_rectangular(problem_)) return check_all_rows(launched, policy);
  const std::int64_t missing = outputs_.elements() - outputs_.out_written();
  const std::int64_t past = past_workspace();
  Check check;
  for (const std::int32_t row : rows) {
    Observation seen = compare_row(device_, row_memory_, problem_, launched, row);
    seen.unwritten = std::max<std::int64_t>(missing, 0);
    seen.past_workspace = past;
    check = check_row(seen, launched, row, policy);
    if (!check.passed) break;
  }
  return check;
}

// The limit of the whole problem or the limit of the row counts, whichever is larger. The limit of the row is
// computed only if the row fails the other.
Check ProblemBuffers::check_row(const Observation& seen, const AttentionArgs& launched, std::int32_t row,
                                const CheckPolicy& policy) const {
  if (Check check = judge(problem_, seen, reference_.unfused_error(), policy); check.passed) return check;
  ErrorNorms unfused = unfused_row_error(device_, row_memory_, problem_, launched, row);
  unfused.max_abs = std::max(unfused.max_abs, reference_.unfused_error().max_abs);
  unfused.rel_l2 = std::max(unfused.rel_l2, reference_.unfused_error().rel_l2);
  return judge(problem_, seen, unfused, policy);
}

}  // namespace flashcore
