// The memory of one problem on a device: rotated input sets, guarded outputs, a guarded workspace, the
// reference.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/input_sets.hpp"
#include "check/output_buffers.hpp"
#include "check/policy.hpp"
#include "check/reference.hpp"
#include "check/row_reference.hpp"
#include "device/device_info.hpp"
#include "record/record.hpp"

namespace flashcore {

class ProblemBuffers {
 public:
  // The number of input sets. Together they are at least twice as large as the last-level cache, but there
  // are at most kMaxSets, and they take at most a quarter of the free memory.
  static constexpr std::int64_t kMaxSets = 256;
  static std::int64_t input_sets(const Problem& problem, const DeviceInfo& info);
  // Bytes that the buffers of a problem take, with all of its input sets.
  static std::int64_t required_bytes(const Problem& problem, const DeviceInfo& info,
                                     const CheckDevice& device);

  // Makes input set 0 and its reference. `device` must outlive the buffers. Throws OutOfMemoryError.
  ProblemBuffers(const Problem& problem, std::uint64_t seed, kernels::InputKind kind, CheckDevice& device);
  // The same with chosen inputs, which are the only set.
  ProblemBuffers(const Problem& problem, const ChosenInputs& inputs, CheckDevice& device);
  // The same without a reference: outputs can only be compared with other outputs.
  struct WithoutReference {
    UnusedRows unused_rows = UnusedRows::nan;
  };
  ProblemBuffers(const Problem& problem, const ChosenInputs& inputs, CheckDevice& device,
                 WithoutReference without);
  ProblemBuffers(const ProblemBuffers&) = delete;  // inputs and outputs refer to the problem
  ProblemBuffers& operator=(const ProblemBuffers&) = delete;

  const Problem& problem() const { return problem_; }
  InputSets& inputs() { return inputs_; }
  const InputSets& inputs() const { return inputs_; }
  OutputBuffers& outputs() { return outputs_; }
  const OutputBuffers& outputs() const { return outputs_; }

  // Makes sets until there are `count`; does nothing if there are enough.
  void make_input_sets(std::int64_t count) { inputs_.make(count, seed_, kind_); }

  // Arguments that read one view of the inputs and write the guarded outputs; without a workspace.
  AttentionArgs args(InputView view) const;

  // A workspace of at least `bytes` bytes between guards; null for 0. Its address stays the same until a
  // larger one is needed.
  void* workspace(std::int64_t bytes);

  // Poisons outputs and workspace.
  void poison_outputs();

  // The number of FP32 words around the workspace that have changed since it was poisoned.
  std::int64_t past_workspace() const;

  // Compares the current outputs with the reference. They must come from the first values of input set 0.
  Check check_outputs(const CheckPolicy& policy) const;

  // Compares rows of every head of the outputs with a reference of the current values of the inputs; all rows if the
  // problem is not rectangular. `launched` are the arguments of the launch that made the outputs. Fails if an element of
  // O was not written.
  Check check_rows(const AttentionArgs& launched, std::span<const std::int32_t> rows,
                   const CheckPolicy& policy);

  // Gives the sequences of a ragged batch other lengths, in the same memory: the own lengths in another order, of queries
  // and of keys. The cache must have no shared prefix, with which the number of pages depends on the order.
  void set_lengths(const Lengths& lengths);

  // The same with other chosen inputs, and without a reference of them. Of other problems only the inputs change.
  void choose(const std::optional<Lengths>& lengths, const ChosenInputs& inputs);

  // Contiguous like OutputBuffers::read_out().
  std::vector<float> reference_out() const { return reference_.read_out(); }
  std::vector<float> reference_lse() const { return reference_.read_lse(); }

 private:
  ProblemBuffers(const Problem& problem, CheckDevice& device);

  Check check_all_rows(const AttentionArgs& launched, const CheckPolicy& policy);
  Check check_row(const Observation& seen, const AttentionArgs& launched, std::int32_t row,
                  const CheckPolicy& policy) const;

  Problem problem_;
  CheckDevice& device_;
  std::uint64_t seed_ = 0;
  kernels::InputKind kind_ = kernels::InputKind::normal;
  InputSets inputs_;
  OutputBuffers outputs_;
  GuardedMemory workspace_;
  std::int64_t workspace_used_ = 0;             // bytes that the last variant asked for
  Reference reference_;                         // of the first values of input set 0
  std::optional<Reference> current_reference_;  // of other values; empty until it is needed
  RowMemory row_memory_;
};

}  // namespace flashcore
