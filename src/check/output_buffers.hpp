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

  // Queues a copy of both; changed_since_kept() then says whether a bit differs from it.
  void keep();
  bool changed_since_kept() const;
  OutputChange largest_change() const;

  // Compares O, and the log-sum-exp when the problem asks for it, with contiguous FP32 references. Errors
  // of an unfused attention in single heads are left out.
  Observation compare(const float* out, const float* lse) const;
  // Elements written outside of the outputs, given how many of them were written inside.
  std::int64_t written_outside(std::int64_t out_written, std::int64_t lse_written) const;
  std::int64_t out_written() const { return out_.written_elements(); }

  std::string hash() const { return out_.hash() + lse_.hash(); }

  // Contiguous: [batch, heads_q, seq_q, head_dim], and [batch, heads_q, seq_q] of log-sum-exp, empty when not asked
  // for. Poison stays NaN.
  std::vector<float> read_out() const;
  std::vector<float> read_lse() const;
  std::vector<bool> read_unwritten() const;  // of O, numbered as in read_out()

 private:
  std::vector<std::uint16_t> out_bits(const GuardedMemory& memory) const;  // contiguous
  std::vector<float> lse_values(const GuardedMemory& memory) const;

  const Problem& problem_;
  CheckDevice& device_;
  GuardedMemory out_;
  GuardedMemory lse_;
  GuardedMemory kept_out_;
  GuardedMemory kept_lse_;
};

// Elements of the log-sum-exp output, whether it is asked for or not.
std::int64_t lse_elements(const Problem& problem);

}  // namespace flashcore
