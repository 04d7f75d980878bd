// The memory of one problem on the CPU: rotated input sets, a guarded output, the reference and the
// yardstick.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/cpu_inputs.hpp"
#include "check/verdict.hpp"
#include "device/cpu_memory.hpp"
#include "device/device_info.hpp"
#include "kernels/common/inputs.hpp"
#include "record/record.hpp"

namespace flashcore {

// Inputs of the caller's choice: contiguous [batch, heads, rows, head_dim], scaled and rounded to the
// problem's dtype when they are taken.
struct ChosenInputs {
  std::vector<float> q, k, v;
};

class CpuProblem {
 public:
  // Enough input sets that together they are at least twice the last-level cache, but not more than kMostSets
  // and not more than a quarter of the free memory.
  static constexpr std::int64_t kMostSets = 256;
  static std::int64_t input_sets(const Problem& problem, const DeviceInfo& device);
  static std::int64_t required_bytes(const Problem& problem, const DeviceInfo& device);

  // Makes input set 0 and runs reference and yardstick on it. Throws OutOfMemoryError.
  CpuProblem(const Problem& problem, std::uint64_t seed, kernels::InputKind kind);
  // The same from chosen inputs, of which there is one set.
  CpuProblem(const Problem& problem, const ChosenInputs& inputs);

  const Problem& problem() const { return problem_; }

  // Makes sets up to `count`; does nothing when there are as many.
  void make_input_sets(std::int64_t count);

  // Arguments that read one input set and write the guarded output.
  AttentionArgs args(std::int64_t set) const;

  void poison_outputs();
  std::string output_hash() const;

  // Negates V of input set 0 and the reference with it; a second call restores both.
  void negate_values();

  // Compares what is in the outputs now, made from input set 0, with the reference.
  Check check_outputs(const CheckPolicy& policy) const;

  // Contiguous, as the reference is: [batch, heads_q, seq_q, head_dim], and [batch, heads_q, seq_q] of
  // log-sum-exp. Poison stays NaN.
  std::vector<float> read_out() const;
  std::vector<float> read_lse() const;  // empty when not asked for
  std::span<const float> reference_out() const { return reference_out_.span(); }
  std::span<const float> reference_lse() const { return reference_lse_.span(); }
  bool is_unwritten(std::int64_t flat_index) const;  // of O, numbered as in read_out()

  // The outputs' memory with its guards, for an executor that fills a copy of it elsewhere.
  GuardedHostTensor<std::uint16_t>& out() { return out_; }
  GuardedHostTensor<std::uint32_t>& lse() { return lse_; }

 private:
  explicit CpuProblem(const Problem& problem);

  struct InputSet {
    CpuInput q, k, v;
  };

  kernels::InputSource input_source(const TensorShape& shape, kernels::InputTensor tensor,
                                    std::int64_t set) const;
  void run_reference();

  Problem problem_;
  std::uint64_t seed_ = 0;
  kernels::InputKind kind_ = kernels::InputKind::normal;
  std::vector<InputSet> inputs_;
  GuardedHostTensor<std::uint16_t> out_;
  GuardedHostTensor<std::uint32_t> lse_;
  HostBuffer<float> reference_out_;  // [batch, heads_q, seq_q, head_dim]
  HostBuffer<float> reference_lse_;  // [batch, heads_q, seq_q]
  ErrorNorms yardstick_;
};

}  // namespace flashcore
