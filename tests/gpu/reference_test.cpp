// The CUDA reference and inputs against those of the CPU, which are held to float64 in tests/unit.
#include <cuda_runtime.h>

#include <cmath>
#include <vector>

#include "gpu/gpu_test.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/reference/cpu_reference.hpp"
#include "kernels/reference/cuda_reference.hpp"

namespace flashcore {
namespace {

using kernels::InputTensor;
using kernels::Precision;

class ReferenceTest : public GpuTest, public testing::WithParamInterface<Dtype> {};

std::vector<std::uint16_t> make_on_device(const TensorShape& shape, Dtype dtype, InputTensor tensor,
                                          DeviceBuffer& buffer) {
  std::vector<std::uint16_t> host(static_cast<std::size_t>(shape.span_elements));
  buffer = DeviceBuffer(host.size() * 2);
  cuda_check(kernels::cuda_fill({.data = buffer.data(),
                                 .dtype = dtype,
                                 .stride = shape.stride,
                                 .batch = shape.batch,
                                 .heads = shape.heads,
                                 .rows = shape.rows,
                                 .head_dim = shape.head_dim,
                                 .seed = 11,
                                 .tensor = tensor,
                                 .set = 2},
                                nullptr),
             "filling");
  cuda_check(cudaMemcpy(host.data(), buffer.data(), host.size() * 2, cudaMemcpyDeviceToHost), "copying");
  return host;
}

TEST_P(ReferenceTest, InputsAreThoseOfTheCpu) {
  const Problem problem{
      .batch = 2, .heads_q = 3, .heads_kv = 3, .seq_q = 33, .seq_kv = 33, .dtype = GetParam()};
  DeviceBuffer buffer;
  const auto device = make_on_device(query_shape(problem), GetParam(), InputTensor::q, buffer);
  const std::uint64_t stream = kernels::random_stream(11, InputTensor::q, 2);
  kernels::visit_dtype(GetParam(), [&]<class T>(T) {
    for (std::size_t i = 0; i < device.size(); ++i) {
      // One rounding apart at most: the two machines' logarithms and cosines differ in the last bit.
      const float want = kernels::normal_value(stream, i);
      EXPECT_NEAR(kernels::to_float(T{device[i]}), want,
                  std::abs(want) * 2 * unit_roundoff(GetParam()) + 1e-6);
    }
  });
}

void expect_references_agree(const Problem& problem) {
  AttentionArgs args = attention_args(problem);
  DeviceBuffer q, k, v;
  const auto host_q = make_on_device(query_shape(problem), problem.dtype, InputTensor::q, q);
  const auto host_k = make_on_device(key_value_shape(problem), problem.dtype, InputTensor::k, k);
  const auto host_v = make_on_device(key_value_shape(problem), problem.dtype, InputTensor::v, v);
  args.q = host_q.data(), args.k = host_k.data(), args.v = host_v.data();
  const auto count = static_cast<std::size_t>(query_shape(problem).elements());
  std::vector<double> want(count), want_lse(count / static_cast<std::size_t>(problem.head_dim));
  kernels::reference_attention<double>(args, problem.dtype, want.data(), want_lse.data());

  args.q = q.data(), args.k = k.data(), args.v = v.data();
  DeviceBuffer out(count * 4), lse(want_lse.size() * 4), scratch(kernels::cuda_reference_scratch_bytes(args));
  cuda_check(kernels::cuda_reference_attention(args, problem.dtype, Precision::reference,
                                               static_cast<float*>(out.data()),
                                               static_cast<float*>(lse.data()), scratch.data(), nullptr),
             "reference");
  std::vector<float> got(count), got_lse(want_lse.size());
  cuda_check(cudaMemcpy(got.data(), out.data(), count * 4, cudaMemcpyDeviceToHost), "copying");
  cuda_check(cudaMemcpy(got_lse.data(), lse.data(), got_lse.size() * 4, cudaMemcpyDeviceToHost), "copying");
  for (std::size_t i = 0; i < count; ++i) ASSERT_NEAR(got[i], want[i], 3e-6) << "element " << i;
  for (std::size_t i = 0; i < got_lse.size(); ++i) {
    if (std::isinf(want_lse[i])) {
      ASSERT_EQ(got_lse[i], want_lse[i]) << "row " << i;
    } else {
      ASSERT_NEAR(got_lse[i], want_lse[i], 1e-5) << "row " << i;
    }
  }
}

TEST_P(ReferenceTest, AgreesWithFloat64) {
  Problem problem{.batch = 2,
                  .heads_q = 4,
                  .heads_kv = 2,
                  .seq_q = 113,
                  .seq_kv = 203,
                  .head_dim = 96,
                  .dtype = GetParam(),
                  .scale = default_scale(96)};
  expect_references_agree(problem);
  problem.causal = true;
  expect_references_agree(problem);
  std::swap(problem.seq_q, problem.seq_kv);  // rows that see no key
  expect_references_agree(problem);
  problem.window_left = 20;
  problem.softcap = 2;
  problem.layout = Layout::padded;
  expect_references_agree(problem);
}

INSTANTIATE_TEST_SUITE_P(Cuda, ReferenceTest, testing::Values(Dtype::fp16, Dtype::bf16),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

}  // namespace
}  // namespace flashcore
