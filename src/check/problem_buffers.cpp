#include "check/problem_buffers.hpp"

#include <algorithm>

namespace flashcore {
namespace {

constexpr std::int64_t kFp32 = sizeof(float);

std::int64_t input_set_bytes(const Problem& problem) {
  const std::int64_t elements = query_shape(problem).span_elements + 2 * key_shape(problem).span_elements;
  return elements * static_cast<std::int64_t>(size_bytes(problem.dtype));
}

}  // namespace

std::int64_t ProblemBuffers::input_sets(const Problem& problem, const DeviceInfo& info) {
  const std::int64_t set = input_set_bytes(problem);
  const std::int64_t wanted = std::min((2 * info.l2_bytes + set - 1) / set, kMaxSets);
  return std::max<std::int64_t>(std::min(wanted, info.free_memory_bytes / 4 / set), 1);
}

std::int64_t ProblemBuffers::required_bytes(const Problem& problem, const DeviceInfo& info,
                                            const CheckDevice& device) {
  const std::int64_t set_elements =
      device.memory_elements(query_shape(problem)) + 2 * device.memory_elements(key_shape(problem));
  const std::int64_t inputs =
      input_sets(problem, info) * set_elements * static_cast<std::int64_t>(size_bytes(problem.dtype));
  // The reference and the unfused attention.
  const std::int64_t references = kFp32 * (2 * query_shape(problem).elements() + lse_elements(problem));
  return inputs + OutputBuffers::required_bytes(problem, device) + references +
         device.reference_scratch_bytes(attention_args(problem));
}

ProblemBuffers::ProblemBuffers(const Problem& problem, CheckDevice& device)
    : problem_(problem),
      device_(device),
      inputs_(problem_, device),
      outputs_(problem_, device),
      reference_out_(device.allocate(kFp32 * query_shape(problem).elements())),
      reference_lse_(device.allocate(kFp32 * lse_elements(problem))),
      row_memory_(device, problem) {}

ProblemBuffers::ProblemBuffers(const Problem& problem, std::uint64_t seed, kernels::InputKind kind,
                               CheckDevice& device)
    : ProblemBuffers(problem, device) {
  seed_ = seed;
  kind_ = kind;
  make_input_sets(1);
  run_reference();
}

ProblemBuffers::ProblemBuffers(const Problem& problem, const ChosenInputs& inputs, CheckDevice& device)
    : ProblemBuffers(problem, device) {
  inputs_.choose(inputs);
  run_reference();
}

void ProblemBuffers::run_reference() {
  const std::int64_t count = query_shape(problem_).elements();
  auto* reference = reference_out_.as<float>();
  device_.run_reference(args({}), problem_.dtype, ReferenceKind::reference, reference,
                        reference_lse_.as<float>());
  const Memory unfused = device_.allocate(kFp32 * count);
  device_.run_reference(args({}), problem_.dtype, ReferenceKind::unfused, unfused.as<float>(), nullptr);
  const HeadSums heads =
      device_.compare_fp32(unfused.as<float>(), reference, count, problem_.batch * problem_.heads_q);
  unfused_error_ = unfused_norms(total(heads), count);
  for (const kernels::DifferenceSums& head : heads) unfused_head_rel_l2_.push_back(relative_l2(head));
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
  Observation seen = outputs_.compare(reference_out_.as<float>(), reference_lse_.as<float>());
  for (std::size_t i = 0; i < seen.heads.size(); ++i) {
    seen.heads[i].unfused_rel_l2 = unfused_head_rel_l2_[i];
  }
  seen.past_workspace = past_workspace();
  return judge(problem_, seen, unfused_error_, policy);
}

Check ProblemBuffers::check_rows(const AttentionArgs& launched, std::span<const std::int32_t> rows,
                                 const CheckPolicy& policy) const {
  const std::int64_t missing = query_shape(problem_).elements() - outputs_.out_written();
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
  if (Check check = judge(problem_, seen, unfused_error_, policy); check.passed) return check;
  ErrorNorms unfused = unfused_row_error(device_, row_memory_, problem_, launched, row);
  unfused.max_abs = std::max(unfused.max_abs, unfused_error_.max_abs);
  unfused.rel_l2 = std::max(unfused.rel_l2, unfused_error_.rel_l2);
  return judge(problem_, seen, unfused, policy);
}

std::vector<float> ProblemBuffers::read_floats(const Memory& memory) const {
  std::vector<float> values(static_cast<std::size_t>(memory.bytes() / kFp32));
  device_.copy_out(std::as_writable_bytes(std::span(values)), memory.data());
  return values;
}

}  // namespace flashcore
