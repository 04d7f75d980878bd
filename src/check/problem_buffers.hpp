// The memory of one problem on a device: rotated input sets, guarded outputs, a guarded workspace, the reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/guarded_memory.hpp"
#include "check/verdict.hpp"
#include "device/device_info.hpp"
#include "kernels/common/inputs.hpp"
#include "record/record.hpp"

namespace flashcore {

// Inputs of the caller's choice: contiguous [batch, heads, rows, head_dim], scaled and rounded to the problem's dtype
// when they are taken.
struct ChosenInputs {
  std::vector<float> q, k, v;
};

class ProblemBuffers {
 public:
  // Enough input sets that together they are at least twice the last-level cache, but not more than kMaxSets and not
  // more than a quarter of the free memory.
  static constexpr std::int64_t kMaxSets = 256;
  static std::int64_t input_sets(const Problem& problem, const DeviceInfo& info);
  // What the buffers of a problem take, with all of its input sets.
  static std::int64_t required_bytes(const Problem& problem, const DeviceInfo& info,
                                     const CheckDevice& device);

  // Makes input set 0 and the reference of it. `device` must outlive the buffers. Throws OutOfMemoryError.
  ProblemBuffers(const Problem& problem, std::uint64_t seed, kernels::InputKind kind, CheckDevice& device);
  // The same from chosen inputs, of which there is one set.
  ProblemBuffers(const Problem& problem, const ChosenInputs& inputs, CheckDevice& device);

  const Problem& problem() const { return problem_; }

  // Makes sets up to `count`; does nothing when there are as many.
  void make_input_sets(std::int64_t count);
  // Other values of the same kind at the same addresses. The reference stays the one of the first values.
  void refill(std::int64_t set, std::uint64_t seed);
  // Hash of every bit of all input sets, gaps and factors included.
  std::string input_hash() const;

  // Arguments that read one input set and write the guarded outputs; without a workspace.
  AttentionArgs args(std::int64_t set) const;

  // At least so many bytes between guards, the same address until more are asked for; null for 0.
  void* workspace(std::int64_t bytes);

  // Poisons outputs and workspace.
  void poison_outputs();
  std::string output_hash() const;

  // Negates V of input set 0 and the reference with it; a second call restores both.
  void negate_values();

  // Compares the outputs as they are now, made from input set 0, with the reference.
  Check check_outputs(const CheckPolicy& policy) const;

  // Contiguous, as the reference is: [batch, heads_q, seq_q, head_dim], and [batch, heads_q, seq_q] of log-sum-exp,
  // empty when not asked for. Poison stays NaN.
  std::vector<float> read_out() const;
  std::vector<float> read_lse() const;
  std::vector<bool> read_unwritten() const;  // of O, numbered as in read_out()
  std::vector<float> reference_out() const;
  std::vector<float> reference_lse() const;

 private:
  struct Input {
    Memory elements;
    Memory descale;  // empty unless the dtype is scaled
  };
  struct InputSet {
    Input q, k, v;
  };

  ProblemBuffers(const Problem& problem, CheckDevice& device);

  InputSet allocate_set() const;
  // One fill per tensor of a set.
  std::vector<InputTensorFill> fills_of(const InputSet& set, std::uint64_t seed, std::uint32_t index) const;
  void run_reference();
  std::vector<float> read_floats(const Memory& memory) const;

  Problem problem_;
  CheckDevice& device_;
  std::uint64_t seed_ = 0;
  kernels::InputKind kind_ = kernels::InputKind::normal;
  std::vector<InputSet> inputs_;
  GuardedMemory out_;
  GuardedMemory lse_;
  GuardedMemory workspace_;
  std::int64_t workspace_used_ = 0;  // bytes that the last variant asked for
  Memory reference_out_;             // [batch, heads_q, seq_q, head_dim] FP32
  Memory reference_lse_;             // [batch, heads_q, seq_q] FP32
  ErrorNorms unfused_error_;
};

}  // namespace flashcore
