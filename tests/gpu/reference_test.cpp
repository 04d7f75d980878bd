// The CUDA reference and inputs against those of the CPU, which are held to float64 in tests/unit.
#include <cuda_runtime.h>

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "check/cpu_inputs.hpp"
#include "gpu/gpu_test.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/reference/cpu_reference.hpp"
#include "kernels/reference/cuda_reference.hpp"

namespace flashcore {
namespace {

using kernels::InputKind;
using kernels::InputTensor;
using kernels::Precision;

constexpr std::uint64_t kSeed = 11;
constexpr std::uint32_t kSet = 2;

class ReferenceTest : public GpuTest, public testing::WithParamInterface<Dtype> {};

template <class T>
std::vector<T> to_host(const Memory& buffer) {
  const auto bytes = static_cast<std::size_t>(buffer.bytes());
  std::vector<T> host(bytes / sizeof(T));
  cuda_check(cudaMemcpy(host.data(), buffer.data(), bytes, cudaMemcpyDeviceToHost), "copying");
  return host;
}

// A tensor of a problem as the device makes it, and the same bytes on the host.
struct MadeInput {
  MadeInput(const TensorShape& shape, std::int64_t heads_kv, Dtype dtype, InputTensor tensor,
            InputKind kind = InputKind::normal)
      : elements(allocate_cuda(shape.span_elements * static_cast<std::int64_t>(size_bytes(dtype)))) {
    if (traits(dtype).scaled) {
      descale = allocate_cuda(shape.batch * heads_kv * static_cast<std::int64_t>(sizeof(float)));
    }
    cuda_check(cudaMemset(elements.data(), 0xFF, static_cast<std::size_t>(elements.bytes())), "gaps");
    cuda_check(kernels::cuda_fill({.data = elements.data(),
                                   .descale = static_cast<float*>(descale.data()),
                                   .dtype = dtype,
                                   .stride = shape.stride,
                                   .batch = shape.batch,
                                   .heads = shape.heads,
                                   .rows = shape.rows,
                                   .head_dim = shape.head_dim,
                                   .heads_kv = heads_kv,
                                   .seed = kSeed,
                                   .tensor = tensor,
                                   .set = kSet,
                                   .kind = kind},
                                  nullptr),
               "filling");
    host_elements = to_host<std::byte>(elements);
    if (traits(dtype).scaled) host_descale = to_host<float>(descale);
  }

  const float* host_factors() const { return host_descale.empty() ? nullptr : host_descale.data(); }
  const float* factors() const { return static_cast<const float*>(descale.data()); }

  Memory elements, descale;
  std::vector<std::byte> host_elements;
  std::vector<float> host_descale;  // empty where the dtype has no factors
};

TEST_P(ReferenceTest, InputsAreThoseOfTheCpu) {
  if (traits(GetParam()).scaled) GTEST_SKIP() << "see E4m3InputsTest";
  const Problem problem{
      .batch = 2, .heads_q = 3, .heads_kv = 3, .seq_q = 33, .seq_kv = 33, .dtype = GetParam()};
  const MadeInput made(query_shape(problem), problem.heads_kv, GetParam(), InputTensor::q);
  const std::uint64_t stream = kernels::random_stream(kSeed, InputTensor::q, kSet);
  kernels::visit_output_dtype(GetParam(), [&]<class T>(T) {
    const auto* device = reinterpret_cast<const T*>(made.host_elements.data());
    for (std::size_t i = 0; i < made.host_elements.size() / sizeof(T); ++i) {
      // One rounding apart at most: the two machines' logarithms and cosines differ in the last bit.
      const float want = kernels::normal_value(stream, i);
      EXPECT_NEAR(kernels::to_float(device[i]), want, std::abs(want) * 2 * unit_roundoff(GetParam()) + 1e-6);
    }
  });
}

// Layouts in which each element has memory of its own, in a few MiB.
constexpr Layout kOwnMemory[] = {Layout::bhsd, Layout::bshd, Layout::padded};

// What the last bits of the machines' logarithms and cosines can make of a value.
constexpr float kLastBits = 0x1p-20f;

class E4m3InputsTest : public GpuTest, public testing::WithParamInterface<InputKind> {
 protected:
  // Byte for byte, gaps as well, but for values that the last bits put on the other side of a rounding. Fewer
  // than one in 10000 may be among those.
  static void expect_those_of_the_cpu(const Problem& problem, const TensorShape& shape, InputTensor tensor) {
    const MadeInput made(shape, problem.heads_kv, problem.dtype, tensor, GetParam());
    const kernels::InputSource source{.kind = GetParam(),
                                      .dtype = problem.dtype,
                                      .tensor = tensor,
                                      .stream = kernels::random_stream(kSeed, tensor, kSet),
                                      .rows = shape.rows};
    std::vector<std::byte> wanted(made.host_elements.size());
    std::vector<float> wanted_descale(made.host_descale.size());
    fill_host_input({.elements = wanted.data(),
                     .descale = wanted_descale.data(),
                     .shape = shape,
                     .heads_kv = problem.heads_kv,
                     .dtype = problem.dtype,
                     .tensor = tensor,
                     .kind = GetParam(),
                     .seed = kSeed,
                     .set = kSet});
    for (std::size_t i = 0; i < made.host_descale.size(); ++i) {
      const float factor = wanted_descale[i];
      ASSERT_NEAR(made.host_descale[i], factor, factor * kLastBits) << "factor " << i;
    }
    std::int64_t apart = 0;
    for (std::int64_t i = 0; i < shape.elements(); ++i) {
      const std::int64_t row = i / shape.head_dim;
      const std::int64_t head = row / shape.rows;
      const std::int64_t at = head / shape.heads * shape.stride.batch +
                              head % shape.heads * shape.stride.head + row % shape.rows * shape.stride.row +
                              i % shape.head_dim;
      const std::byte got = made.host_elements[static_cast<std::size_t>(at)];
      if (got == wanted[static_cast<std::size_t>(at)]) continue;
      ++apart;
      const float factor =
          wanted_descale[static_cast<std::size_t>(row * problem.heads_kv / shape.heads / shape.rows)];
      const float value =
          input_value(source, {row % shape.rows, i % shape.head_dim, static_cast<std::uint64_t>(i)}) / factor;
      const auto code = [](float x) { return std::byte{kernels::e4m3_from_float(x).bits}; };
      ASSERT_TRUE(got == code(value * (1 - kLastBits)) || got == code(value * (1 + kLastBits)))
          << "element " << i << ", " << value << ", is " << static_cast<int>(got);
    }
    EXPECT_LE(apart, shape.elements() / 10000);
    if (shape.elements() == shape.span_elements) return;
    EXPECT_EQ(made.host_elements[static_cast<std::size_t>(shape.head_dim)], std::byte{0xFF});
  }
};

TEST_P(E4m3InputsTest, AreThoseOfTheCpu) {
  Problem problem{.batch = 2, .heads_q = 6, .heads_kv = 2, .seq_q = 133, .seq_kv = 201, .dtype = Dtype::e4m3};
  for (const Layout layout : kOwnMemory) {
    problem.layout = layout;
    expect_those_of_the_cpu(problem, query_shape(problem), InputTensor::q);
    expect_those_of_the_cpu(problem, key_shape(problem), InputTensor::k);
    expect_those_of_the_cpu(problem, value_shape(problem), InputTensor::v);
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, E4m3InputsTest, testing::ValuesIn(kAll<kernels::InputKind>),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

// One problem on both machines: arguments of the device's memory and of copies on the host.
struct TwoMachines {
  explicit TwoMachines(const Problem& problem)
      : q(query_shape(problem), problem.heads_kv, problem.dtype, InputTensor::q),
        k(key_shape(problem), problem.heads_kv, problem.dtype, InputTensor::k),
        v(value_shape(problem), problem.heads_kv, problem.dtype, InputTensor::v),
        host(attention_args(problem)),
        device(attention_args(problem)) {
    host.q = q.host_elements.data(), host.k = k.host_elements.data(), host.v = v.host_elements.data();
    host.q_descale = q.host_factors(), host.k_descale = k.host_factors(), host.v_descale = v.host_factors();
    device.q = q.elements.data(), device.k = k.elements.data(), device.v = v.elements.data();
    device.q_descale = q.factors(), device.k_descale = k.factors(), device.v_descale = v.factors();
  }

  MadeInput q, k, v;
  AttentionArgs host, device;
};

// What the device's reference leaves: O, and log-sum-exp in FP32.
struct DeviceReference {
  DeviceReference(const Problem& problem, const AttentionArgs& args, Precision precision) {
    const std::int64_t count = query_shape(problem).elements();
    const Memory device_out = allocate_cuda(count * static_cast<std::int64_t>(sizeof(float)));
    const Memory device_lse = allocate_cuda(device_out.bytes() / problem.head_dim);
    const Memory scratch =
        allocate_cuda(static_cast<std::int64_t>(kernels::cuda_reference_scratch_bytes(args)));
    cuda_check(kernels::cuda_reference_attention(
                   args, problem.dtype, precision, static_cast<float*>(device_out.data()),
                   static_cast<float*>(device_lse.data()), scratch.data(), nullptr),
               "reference");
    out = to_host<float>(device_out);
    lse = to_host<float>(device_lse);
  }

  std::vector<float> out, lse;
};

void expect_references_agree(const Problem& problem) {
  const TwoMachines machines(problem);
  const DeviceReference got(problem, machines.device, Precision::reference);
  std::vector<double> want(got.out.size()), want_lse(got.lse.size());
  kernels::reference_attention<double>(machines.host, problem.dtype, want.data(), want_lse.data());
  for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got.out[i], want[i], 3e-6) << "element " << i;
  for (std::size_t i = 0; i < want_lse.size(); ++i) {
    if (std::isinf(want_lse[i])) {
      ASSERT_EQ(got.lse[i], want_lse[i]) << "row " << i;
    } else {
      ASSERT_NEAR(got.lse[i], want_lse[i], 1e-5) << "row " << i;
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

double rms_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

// Its errors set the limits, so they must be those that it has on the CPU. Element by element, few
// probabilities round the other way.
TEST_P(ReferenceTest, UnfusedAttentionIsThatOfTheCpu) {
  Problem problem{.batch = 2,
                  .heads_q = 4,
                  .heads_kv = 2,
                  .seq_q = 150,
                  .seq_kv = 203,
                  .dtype = GetParam(),
                  .causal = true,
                  .scale = default_scale(64)};
  for (const Dtype out_dtype : kOutputDtypes) {
    problem.out_dtype = traits(GetParam()).scaled ? std::optional(out_dtype) : std::nullopt;
    problem.softcap = out_dtype == Dtype::fp16 ? 3 : 0;
    const TwoMachines machines(problem);
    const std::vector<float> exact = DeviceReference(problem, machines.device, Precision::reference).out;
    const std::vector<float> got = DeviceReference(problem, machines.device, Precision::unfused).out;
    std::vector<float> want(got.size());
    kernels::unfused_attention(machines.host, problem.dtype, want.data());
    const double error = rms_difference(want, exact);
    EXPECT_GT(error, 0);
    EXPECT_LT(rms_difference(got, want), 0.1 * error);
  }
}

INSTANTIATE_TEST_SUITE_P(Cuda, ReferenceTest, testing::ValuesIn(kAll<Dtype>),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

}  // namespace
}  // namespace flashcore
