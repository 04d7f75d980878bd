// The memory of one problem on the CPU: rotated input sets, a guarded output, the reference and the
// yardstick.
#pragma once

#include <cstdint>
#include <vector>

#include "core/problem.hpp"
#include "core/record.hpp"
#include "run/cpu_memory.hpp"
#include "run/executor.hpp"
#include "run/verdict.hpp"

namespace flashcore {

class CpuProblem {
 public:
  // Enough input sets that together they are at least twice the last-level cache, but not more than kMostSets
  // and not more than a quarter of the free memory.
  static constexpr std::int64_t kMostSets = 256;
  static std::int64_t input_sets(const Problem& problem, const DeviceInfo& device);
  static std::int64_t required_bytes(const Problem& problem, const DeviceInfo& device);

  // Makes input set 0 and runs reference and yardstick on it. Throws OutOfMemoryError.
  CpuProblem(const Problem& problem, std::uint64_t seed);

  const Problem& problem() const { return problem_; }

  // Makes sets up to `count`; does nothing when there are as many.
  void make_input_sets(std::int64_t count);

  // Arguments that read one input set and write the guarded output.
  AttentionArgs args(std::int64_t set) const;

  void poison_outputs();

  // Negates V of input set 0 and the reference with it; a second call restores both.
  void negate_values();

  // Compares what is in the outputs now, made from input set 0, with the reference.
  Check check_outputs(const CheckPolicy& policy) const;

 private:
  struct InputSet {
    HostBuffer<std::uint16_t> q, k, v;
  };

  void run_reference();

  Problem problem_;
  std::uint64_t seed_;
  std::vector<InputSet> inputs_;
  GuardedHostTensor<std::uint16_t> out_;
  GuardedHostTensor<std::uint32_t> lse_;
  HostBuffer<float> reference_out_;  // [batch, heads_q, seq_q, head_dim]
  HostBuffer<float> reference_lse_;  // [batch, heads_q, seq_q]
  ErrorNorms yardstick_;
};

}  // namespace flashcore
