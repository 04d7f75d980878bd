// O and the log-sum-exp of one problem between guards, and a copy of both.
#pragma once

#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/guarded_memory.hpp"
#include "check/verdict.hpp"

namespace flashcore {

// The largest differences of the outputs from their copies; infinite where one is NaN and the other is not.
struct OutputChange {
  double out = 0;
  double lse = 0;
};

class OutputBuffers {
 public:
  // `problem` and `device` must outlive the buffers.
  OutputBuffers(const Problem& problem, CheckDevice& device);

  static std::int64_t required_bytes(const Problem& problem, const CheckDevice& device);

  void* out() const { return out_.data(); }
  float* lse() const { return static_cast<float*>(lse_.data()); }

  void poison();

  // Queues a copy of both outputs. changed_since_kept() is true if a bit of them differs from the copy.
  void keep();
  bool changed_since_kept() const;
  OutputChange largest_change() const;

  // Compares O, and the log-sum-exp if the problem asks for it, with FP32 references in the order of read_out() and
  // read_lse(). Does not fill in HeadError::unfused_rel_l2.
  Observation compare(const float* out, const float* lse) const;
  // The number of elements written outside of the outputs. The arguments are the numbers written inside.
  std::int64_t written_outside(std::int64_t out_written, std::int64_t lse_written) const;
  std::int64_t out_written() const { return out_.written_elements(); }

  std::string hash() const { return out_.hash() + lse_.hash(); }

  std::int64_t elements() const;  // of O

  // Contiguous: O is [batch, heads_q, seq_q, head_dim_v]; the log-sum-exp is [batch, heads_q, seq_q], or empty if the
  // problem does not ask for it. seq_q is that of each sequence. Poison stays NaN.
  std::vector<float> read_out() const;
  std::vector<float> read_lse() const;
  std::vector<bool> read_unwritten() const;  // of O, numbered as in read_out()

 private:
  HeadSums compare_heads(const float* out) const;
  kernels::DifferenceSums compare_lse(const float* lse) const;
  std::vector<std::uint16_t> out_bits(const GuardedMemory& memory) const;  // contiguous
  std::vector<float> lse_values(const GuardedMemory& memory) const;

  const Problem& problem_;
  CheckDevice& device_;
  GuardedMemory out_;
  GuardedMemory lse_;
  GuardedMemory kept_out_;
  GuardedMemory kept_lse_;
};

}  // namespace flashcore
