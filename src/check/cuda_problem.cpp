#include "check/cuda_problem.hpp"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/reference/cuda_reference.hpp"

namespace flashcore {
namespace {

using kernels::InputTensor;
using kernels::Precision;

std::int64_t input_set_bytes(const Problem& problem) {
  const std::int64_t elements =
      query_shape(problem).span_elements + 2 * key_value_shape(problem).span_elements;
  return elements * static_cast<std::int64_t>(size_bytes(problem.dtype));
}

std::int64_t lse_elements(const Problem& problem) { return problem.batch * problem.heads_q * problem.seq_q; }

// A tensor whose gaps hold NaN, for kernels that ignore strides.
CudaInput make_input(const TensorShape& shape, std::int64_t heads_kv, kernels::TensorFill fill,
                     CUstream_st* stream) {
  CudaInput input;
  input.elements = DeviceBuffer(static_cast<std::size_t>(shape.span_elements) * size_bytes(fill.dtype));
  if (traits(fill.dtype).scaled) {
    input.descale = DeviceBuffer(static_cast<std::size_t>(shape.batch * heads_kv) * sizeof(float));
  }
  constexpr int kNanBytes = 0xFF;  // in every dtype
  cuda_check(cudaMemsetAsync(input.elements.data(), kNanBytes, input.elements.size_bytes(), stream),
             "filling an input's gaps");
  fill.data = input.elements.data();
  fill.descale = input.factors();
  fill.stride = shape.stride;
  fill.batch = shape.batch;
  fill.heads = shape.heads;
  fill.rows = shape.rows;
  fill.head_dim = shape.head_dim;
  fill.heads_kv = heads_kv;
  cuda_check(kernels::cuda_fill(fill, stream), "making inputs");
  return input;
}

// Contiguous FP32 as the comparison sees it: [batch, heads_q, seq_q, head_dim].
kernels::DifferenceSums compare_contiguous(const void* values, const void* reference, std::int64_t count,
                                           CUstream_st* stream) {
  kernels::DifferenceSums sums;
  const int code = kernels::cuda_compare_fp32(static_cast<const float*>(values),
                                              static_cast<const float*>(reference), count, sums, stream);
  cuda_check(code, "comparing with the reference");
  return sums;
}

}  // namespace

std::int64_t CudaProblem::input_sets(const Problem& problem, std::int64_t l2_bytes) {
  const std::int64_t set = input_set_bytes(problem);
  return std::clamp<std::int64_t>((2 * l2_bytes + set - 1) / set, 1, kMostSets);
}

std::int64_t CudaProblem::required_bytes(const Problem& problem, std::int64_t l2_bytes) {
  const TensorShape query = query_shape(problem);
  const auto scratch =
      static_cast<std::int64_t>(kernels::cuda_reference_scratch_bytes(attention_args(problem)));
  const std::int64_t inputs = input_sets(problem, l2_bytes) * input_set_bytes(problem);
  const std::int64_t out = query.span_elements * static_cast<std::int64_t>(size_bytes(output_dtype(problem)));
  constexpr std::int64_t kFp32 = sizeof(float);
  const std::int64_t references = 2 * kFp32 * query.elements();  // reference and yardstick
  return inputs + out + references + scratch + 2 * kFp32 * lse_elements(problem);
}

CudaProblem::CudaProblem(const Problem& problem, std::uint64_t seed, kernels::InputKind kind,
                         CUstream_st* stream)
    : problem_(problem),
      seed_(seed),
      kind_(kind),
      out_(query_shape(problem).span_elements, size_bytes(output_dtype(problem))),
      lse_(lse_elements(problem), sizeof(float)),
      reference_out_(static_cast<std::size_t>(query_shape(problem).elements()) * sizeof(float)),
      reference_lse_(static_cast<std::size_t>(lse_elements(problem)) * sizeof(float)) {
  make_input_sets(1, stream);
  run_reference(stream);
}

void CudaProblem::make_input_sets(std::int64_t count, CUstream_st* stream) {
  const auto make = [&](const TensorShape& shape, InputTensor tensor) {
    return make_input(shape, problem_.heads_kv,
                      {.dtype = problem_.dtype,
                       .seed = seed_,
                       .tensor = tensor,
                       .set = static_cast<std::uint32_t>(inputs_.size()),
                       .kind = kind_},
                      stream);
  };
  while (static_cast<std::int64_t>(inputs_.size()) < count) {
    inputs_.push_back({.q = make(query_shape(problem_), InputTensor::q),
                       .k = make(key_value_shape(problem_), InputTensor::k),
                       .v = make(key_value_shape(problem_), InputTensor::v)});
  }
}

void CudaProblem::run_reference(CUstream_st* stream) {
  const AttentionArgs arguments = args(0);
  const DeviceBuffer scratch(kernels::cuda_reference_scratch_bytes(arguments));
  auto* reference = static_cast<float*>(reference_out_.data());
  cuda_check(
      kernels::cuda_reference_attention(arguments, problem_.dtype, Precision::reference, reference,
                                        static_cast<float*>(reference_lse_.data()), scratch.data(), stream),
      "running the reference");
  const DeviceBuffer yardstick(reference_out_.size_bytes());
  cuda_check(kernels::cuda_reference_attention(arguments, problem_.dtype, Precision::yardstick,
                                               static_cast<float*>(yardstick.data()), nullptr, scratch.data(),
                                               stream),
             "running the yardstick");
  const std::int64_t count = query_shape(problem_).elements();
  yardstick_ = error_norms(compare_contiguous(yardstick.data(), reference_out_.data(), count, stream), count);
}

AttentionArgs CudaProblem::args(int set) const {
  AttentionArgs arguments = attention_args(problem_);
  const InputSet& inputs = inputs_[static_cast<std::size_t>(set)];
  arguments.q = inputs.q.elements.data();
  arguments.k = inputs.k.elements.data();
  arguments.v = inputs.v.elements.data();
  arguments.q_descale = inputs.q.factors();
  arguments.k_descale = inputs.k.factors();
  arguments.v_descale = inputs.v.factors();
  arguments.out = out_.tensor();
  arguments.lse = problem_.lse ? static_cast<float*>(lse_.tensor()) : nullptr;
  return arguments;
}

void CudaProblem::poison_outputs(CUstream_st* stream) {
  out_.poison(stream);
  lse_.poison(stream);
}

std::string CudaProblem::output_hash(CUstream_st* stream) const {
  return out_.hash(stream) + lse_.hash(stream);
}

void CudaProblem::negate_values(CUstream_st* stream) {
  const DeviceBuffer& v = inputs_.front().v.elements;
  cuda_check(kernels::cuda_negate(v.data(), v.size_bytes(), size_bytes(problem_.dtype), stream),
             "negating V");
  cuda_check(kernels::cuda_negate(reference_out_.data(), reference_out_.size_bytes(), sizeof(float), stream),
             "negating the reference");
}

Check CudaProblem::check_outputs(const CheckPolicy& policy, CUstream_st* stream) const {
  const TensorShape shape = query_shape(problem_);
  kernels::DifferenceSums sums;
  cuda_check(kernels::cuda_compare(out_.tensor(), output_dtype(problem_), shape.stride,
                                   static_cast<const float*>(reference_out_.data()), shape.batch, shape.heads,
                                   shape.rows, shape.head_dim, sums, stream),
             "comparing with the reference");
  Observation seen{.error = error_norms(sums, shape.elements()), .unwritten = sums.unwritten};
  seen.out_of_bounds = out_.written_elements(stream) - (shape.elements() - sums.unwritten);
  std::int64_t lse_written = 0;
  if (problem_.lse) {
    const std::int64_t count = lse_elements(problem_);
    const kernels::DifferenceSums lse =
        compare_contiguous(lse_.tensor(), reference_lse_.data(), count, stream);
    seen.lse = error_norms(lse, count);
    seen.lse_unwritten = lse.unwritten;
    lse_written = count - lse.unwritten;
  }
  seen.out_of_bounds += lse_.written_elements(stream) - lse_written;
  return judge(problem_, seen, yardstick_, policy);
}

}  // namespace flashcore
