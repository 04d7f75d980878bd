// The device memory of one problem: rotated input sets, a guarded output, the reference and the yardstick.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "check/verdict.hpp"
#include "device/cuda_memory.hpp"
#include "kernels/common/inputs.hpp"
#include "record/record.hpp"

namespace flashcore {

struct CudaInput {
  DeviceBuffer elements;  // in their layout; gaps hold NaN
  DeviceBuffer descale;   // [batch, heads_kv] FP32 for a scaled dtype, else empty

  float* factors() const { return static_cast<float*>(descale.data()); }
};

class CudaProblem {
 public:
  // Enough input sets that together they are at least twice l2_bytes, kMostSets at the most.
  static constexpr std::int64_t kMostSets = 256;
  static std::int64_t input_sets(const Problem& problem, std::int64_t l2_bytes);
  static std::int64_t required_bytes(const Problem& problem, std::int64_t l2_bytes);

  // Makes input set 0 and runs reference and yardstick on it. Throws OutOfMemoryError.
  CudaProblem(const Problem& problem, std::uint64_t seed, kernels::InputKind kind, CUstream_st* stream);

  const Problem& problem() const { return problem_; }

  // Makes sets up to `count`; does nothing when there are as many. Throws OutOfMemoryError.
  void make_input_sets(std::int64_t count, CUstream_st* stream);

  // Arguments that read one input set and write the guarded output.
  AttentionArgs args(int set) const;

  void poison_outputs(CUstream_st* stream);
  std::string output_hash(CUstream_st* stream) const;

  // Negates V of input set 0 and the reference with it; a second call restores both.
  void negate_values(CUstream_st* stream);

  // Compares what is in the outputs now, made from input set 0, with the reference.
  Check check_outputs(const CheckPolicy& policy, CUstream_st* stream) const;

 private:
  struct InputSet {
    CudaInput q, k, v;
  };

  void run_reference(CUstream_st* stream);

  Problem problem_;
  std::uint64_t seed_;
  kernels::InputKind kind_;
  std::vector<InputSet> inputs_;
  GuardedTensor out_;
  GuardedTensor lse_;
  DeviceBuffer reference_out_;  // [batch, heads_q, seq_q, head_dim] FP32
  DeviceBuffer reference_lse_;  // [batch, heads_q, seq_q] FP32
  ErrorNorms yardstick_;
};

}  // namespace flashcore
