// The reference of all outputs of a problem, and the errors of an unfused attention on the same inputs.
#pragma once

#include <vector>

#include "attention/problem.hpp"
#include "check/input_sets.hpp"
#include "check/output_buffers.hpp"
#include "check/policy.hpp"

namespace flashcore {

class Reference {
 public:
  // `problem`, `device` and `inputs` must outlive the reference.
  Reference(const Problem& problem, CheckDevice& device, InputSets& inputs);

  // Bytes that it takes.
  static std::int64_t required_bytes(const Problem& problem, const CheckDevice& device);

  // Computes both attentions of the inputs that `args` points to.
  void compute(const AttentionArgs& args);

  // Compares outputs with the last computed reference.
  Check check(const OutputBuffers& outputs, std::int64_t past_workspace, const CheckPolicy& policy) const;

  // Its means are over the rows that see a key. The root mean square is the largest of a head of a sequence, if there are
  // sequences.
  const ErrorNorms& unfused_error() const { return unfused_error_; }

  // In the order of OutputBuffers::read_out() and read_lse().
  std::vector<float> read_out() const;
  std::vector<float> read_lse() const;

 private:
  std::int64_t elements() const;
  void run(const AttentionArgs& args, ReferenceKind kind, float* out, float* lse);
  void run_sequence(const AttentionArgs& args, std::int64_t sequence, ReferenceKind kind, float* out,
                    float* lse);
  double largest_of_heads(const HeadSums& heads, const SequenceRows& rows) const;
  void compare_unfused(const float* unfused);

  const Problem& problem_;
  CheckDevice& device_;
  InputSets& inputs_;
  Memory out_;  // [batch, heads_q, seq_q, head_dim_v] FP32, where seq_q is that of each sequence
  Memory lse_;  // [batch, heads_q, seq_q] FP32
  ErrorNorms unfused_error_;
  std::vector<double> unfused_head_rel_l2_;  // [batch, heads_q]
};

}  // namespace flashcore
