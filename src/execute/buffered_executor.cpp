#include "execute/buffered_executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "registry/supports.hpp"

namespace flashcore {
namespace {

// Rows of every head that the check of a sample compares.
constexpr int kCheckedRows = 2;

std::int32_t random_row(std::int64_t seq_q) {
  static std::random_device random;  // no seed: a kernel cannot know the rows before its launch
  return std::uniform_int_distribution<std::int32_t>(0, static_cast<std::int32_t>(seq_q - 1))(random);
}

Check failed(Check check, std::string reason) {
  check.passed = false;
  check.reason = std::move(reason);
  return check;
}

}  // namespace

void BufferedExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  forget_addresses();
  buffers_.reset();  // frees its memory before the next problem allocates
  companies_.clear();
  workspace_ = nullptr;
  launcher_.forget_plans();
  buffers_ = std::make_unique<ProblemBuffers>(problem, seed, inputs, launcher_.device());
}

std::string BufferedExecutor::unsupported(const Variant& variant) const {
  return unsupported_reason(variant, buffers_->problem(), buffers_->args({}), target_of(device()));
}

AttentionArgs BufferedExecutor::args(const Variant& variant, InputView view) {
  AttentionArgs args = launcher_.args(variant, *buffers_, view);
  if (args.workspace != nullptr && args.workspace != workspace_) {
    if (workspace_ != nullptr) forget_addresses();
    workspace_ = args.workspace;
  }
  return args;
}

std::vector<InputView> BufferedExecutor::views_of(TimingMode mode) {
  const bool rotates = sampling_of(mode).rotates_inputs;
  std::int64_t sets = rotates ? ProblemBuffers::input_sets(buffers_->problem(), device()) : 1;
  if (sets == 1 && !buffers_->inputs().can_swap()) sets = 2;
  buffers_->make_input_sets(sets);
  if (sets == 1) return {{.set = 0, .swapped = false}, {.set = 0, .swapped = true}};
  std::vector<InputView> views;
  for (std::int64_t set = 0; set < sets; ++set) views.push_back({.set = set});
  return views;
}

void BufferedExecutor::wait_for(const Variant& variant) const {
  launcher_.device().wait(fmt::format("running {}", variant.id()));
}

Check BufferedExecutor::guard(Check check) {
  InputSets& inputs = buffers_->inputs();
  if (const std::string changed = inputs.changed(); !changed.empty()) {
    inputs.restore();
    return failed(check, "changes its inputs: " + changed);
  }
  if (check.passed && buffers_->outputs().changed_since_kept()) {
    return failed(check, "the output changed after the launch was complete");
  }
  return check;
}

Check BufferedExecutor::verify(const Variant& variant, const CheckPolicy& policy) {
  InputSets& inputs = buffers_->inputs();
  inputs.set_unused_rows(unused_rows_for(variant));
  inputs.restore_first();
  inputs.remember(1);
  const AttentionArgs arguments = args(variant, {});
  launcher_.device().delay();
  buffers_->poison_outputs();
  launcher_.launch(variant, arguments);
  launcher_.collect(variant, arguments);
  buffers_->outputs().keep();
  wait_for(variant);
  Check check = guard(buffers_->check_outputs(policy));
  if (check.passed || check.unwritten == 0 || !is_right_elsewhere(variant, policy)) return check;
  return failed(std::move(check),
                "it launches on another stream than the one that it is given: its output is right only after "
                "all of the "
                "device's work");
}

// Whether an output that is not written in the order of the stream is right once the device is idle.
bool BufferedExecutor::is_right_elsewhere(const Variant& variant, const CheckPolicy& policy) {
  const AttentionArgs arguments = args(variant, {});
  buffers_->poison_outputs();
  if (!launcher_.device().wait_for_all_streams()) return false;
  launcher_.launch(variant, arguments);
  launcher_.device().wait_for_all_streams();
  launcher_.collect(variant, arguments);
  wait_for(variant);
  return buffers_->check_outputs(policy).passed;
}

void BufferedExecutor::change_inputs(std::int64_t sets) {
  buffers_->inputs().scramble(sets);
  buffers_->inputs().remember(sets);
}

KernelNotes BufferedExecutor::notes(const Variant& variant) const {
  return variant.compiles() ? variant.notes(buffers_->args({})) : KernelNotes{};
}

Sample BufferedExecutor::sample(const Variant& variant, TimingMode mode) {
  const std::int64_t before = variant.compilations();
  Sample taken = take_sample(variant, mode);
  taken.compiled = variant.compilations() != before;
  return taken;
}

CheckedSample BufferedExecutor::verify_sample(const Variant& variant, TimingMode mode,
                                              const CheckPolicy& policy) {
  buffers_->inputs().set_unused_rows(unused_rows_for(variant));
  warm(variant, mode);
  const std::int64_t sets = views_of(mode).back().set + 1;
  change_inputs(sets);
  launcher_.device().delay();
  buffers_->poison_outputs();
  Sample taken = sample(variant, mode);
  // A kernel that skips its work when an output is already there would still pass one launch into poison. The
  // second launch therefore has other inputs and finds the output of the first.
  if (taken.launches == 1) {
    change_inputs(sets);
    taken = sample(variant, mode);
  }
  buffers_->outputs().keep();
  std::array<std::int32_t, kCheckedRows> rows{};
  for (std::int32_t& row : rows) row = random_row(buffers_->problem().seq_q);
  Check check = guard(buffers_->check_rows(args(variant, last_view_), rows, policy));
  if (check.passed) check = compare_with_lone_launch(std::move(check), variant);
  return {.check = std::move(check), .sample = taken};
}

void BufferedExecutor::set_lengths(const Lengths& lengths) {
  buffers_->set_lengths(lengths);
  launcher_.renew_plans();
}

Check BufferedExecutor::verify_replays(const Variant& variant, const CheckPolicy& policy, int deals) {
  const Lengths own = buffers_->problem().lengths.value();
  warm(variant, TimingMode::hot);
  Check check;
  check.passed = true;
  for (int deal = 1; deal <= deals && check.passed; ++deal) {
    const Lengths other = dealt_anew(own, static_cast<std::uint64_t>(deal));
    set_lengths(other);
    (void)args(variant, {});  // makes the plan for these lengths; a graph that was captured before does not
    check = verify_sample(variant, TimingMode::hot, policy).check;
    if (!check.passed) {
      check.reason =
          fmt::format("with the lengths {} in the same memory: {}", lengths_text(other), check.reason);
    }
  }
  set_lengths(own);
  return check;
}

Check BufferedExecutor::compare_with_lone_launch(Check check, const Variant& variant) {
  const AttentionArgs arguments = args(variant, last_view_);
  buffers_->poison_outputs();
  launcher_.launch(variant, arguments);
  launcher_.collect(variant, arguments);
  wait_for(variant);
  if (!buffers_->outputs().changed_since_kept()) return check;
  const OutputChange change = buffers_->outputs().largest_change();
  // Two right outputs differ by at most twice the limit. If they differ by more, one of them is wrong in a
  // row that was not compared.
  if (change.out <= 2 * check.limit.max_abs && change.lse <= 2 * check.limit.lse_max_abs) return check;
  return failed(check,
                fmt::format("a lone launch on the same inputs gives another output: it differs by {:.3g}",
                            std::max(change.out, change.lse)));
}

}  // namespace flashcore
