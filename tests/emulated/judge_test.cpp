// The inputs, the reference and the comparison that the device uses for checks, against the CPU's.
#include <algorithm>
#include <cmath>
#include <optional>

#include "check/cpu_check_device.hpp"
#include "check/cpu_inputs.hpp"
#include "emulated/kernel_test.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/reference/cpu_reference.hpp"
#include "kernels/reference/cuda_reference.hpp"

namespace flashcore::emulated {
namespace {

using kernels::InputKind;
using kernels::InputTensor;
using kernels::Precision;

Problem small_problem(Dtype dtype) {
  return {.batch = 2,
          .heads_q = 4,
          .heads_kv = 2,
          .seq_q = 21,
          .seq_kv = 70,
          .head_dim = 32,
          .dtype = dtype,
          .scale = default_scale(32)};
}

// --- Inputs: both sides use the same mathematical library here, so that their bytes are equal

void expect_same_input(const Problem& problem, const TensorShape& shape, InputTensor tensor, InputKind kind) {
  std::vector<std::byte> want(static_cast<std::size_t>(shape.span_elements) * size_bytes(problem.dtype));
  std::vector<float> want_factors(static_cast<std::size_t>(shape.batch * problem.heads_kv));
  fill_host_input({.elements = want.data(),
                   .descale = traits(problem.dtype).scaled ? want_factors.data() : nullptr,
                   .shape = shape,
                   .heads_kv = problem.heads_kv,
                   .dtype = problem.dtype,
                   .tensor = tensor,
                   .kind = kind,
                   .seed = 7,
                   .set = 3});
  std::vector<std::byte> got(want.size());
  kernels::visit_dtype(problem.dtype, [&]<class T>(T) {  // like the gaps of `want`
    const T nan = kernels::from_float<T>(std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < got.size(); i += sizeof(T)) std::memcpy(&got[i], &nan, sizeof(T));
  });
  const bool scaled = traits(problem.dtype).scaled;
  std::vector<float> factors(static_cast<std::size_t>(shape.batch * problem.heads_kv), -1.0f);
  ASSERT_EQ(kernels::cuda_fill({.data = got.data(),
                                .descale = scaled ? factors.data() : nullptr,
                                .dtype = problem.dtype,
                                .stride = shape.stride,
                                .batch = shape.batch,
                                .heads = shape.heads,
                                .rows = shape.rows,
                                .head_dim = shape.head_dim,
                                .heads_kv = problem.heads_kv,
                                .seed = 7,
                                .tensor = tensor,
                                .set = 3,
                                .kind = kind},
                               nullptr),
            0);
  if (scaled) {
    EXPECT_TRUE(std::ranges::equal(factors, want_factors));
  }
  EXPECT_TRUE(std::ranges::equal(got, want)) << to_string(problem.dtype);
}

class EmulatedInputsTest : public testing::TestWithParam<InputKind> {};

TEST_P(EmulatedInputsTest, AreThoseOfTheCpu) {
  for (const Dtype dtype : kAll<Dtype>) {
    // CUDA's 16-bit NaN has other bits.
    if (to_string(GetParam()).starts_with("nan") && dtype != Dtype::e4m3) continue;
    Problem problem = small_problem(dtype);
    for (const Layout layout : {Layout::bshd, Layout::padded}) {
      problem.layout = layout;
      expect_same_input(problem, query_shape(problem), InputTensor::q, GetParam());
      expect_same_input(problem, key_shape(problem), InputTensor::k, GetParam());
      expect_same_input(problem, value_shape(problem), InputTensor::v, GetParam());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EmulatedInputsTest, testing::ValuesIn(kAll<kernels::InputKind>),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

// --- Reference and unfused attention

struct DeviceReference {
  DeviceReference(const Problem& problem, const AttentionArgs& args, Precision precision)
      : out(static_cast<std::size_t>(query_shape(problem).elements())),
        lse(out.size() / static_cast<std::size_t>(problem.head_dim)) {
    std::vector<std::byte> scratch(kernels::cuda_reference_scratch_bytes(args));
    EXPECT_EQ(kernels::cuda_reference_attention(args, problem.dtype, precision, out.data(), lse.data(),
                                                scratch.data(), nullptr),
              0);
  }

  std::vector<float> out, lse;
};

// Dtypes of Q, and of K and V.
struct ReferenceDtypes {
  Dtype q;
  std::optional<Dtype> kv = {};
};

std::vector<Problem> reference_problems(const ReferenceDtypes& dtypes) {
  Problem plain = small_problem(dtypes.q);
  plain.kv_dtype = dtypes.kv;
  Problem causal = plain;
  causal.causal = true;
  std::swap(causal.seq_q, causal.seq_kv);  // rows that see no key
  Problem capped = plain;
  capped.softcap = 2;
  capped.window_left = 20;
  capped.layout = Layout::padded;
  Problem thin = capped;  // few rows, which have kernels of their own
  thin.seq_q = 3;
  thin.seq_kv = 301;
  return {plain, causal, capped, thin};
}

class EmulatedReferenceTest : public testing::TestWithParam<ReferenceDtypes> {};

TEST_P(EmulatedReferenceTest, IsThatOfTheCpu) {
  for (const Problem& problem : reference_problems(GetParam())) {
    const HostBuffers memory(problem, 5, InputKind::normal);
    const DeviceReference got(problem, memory.args({}), Precision::reference);
    for (std::size_t i = 0; i < got.out.size(); ++i)
      ASSERT_NEAR(got.out[i], memory.reference_out()[i], 3e-6) << i;
    for (std::size_t i = 0; i < got.lse.size(); ++i) {
      const float want = memory.reference_lse()[i];
      ASSERT_TRUE(got.lse[i] == want || std::fabs(got.lse[i] - want) < 1e-5f) << i;
    }
  }
}

double rms_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

// The same roundings, except for a few that change with the order of sums.
TEST_P(EmulatedReferenceTest, UnfusedAttentionIsThatOfTheCpu) {
  for (Problem problem : reference_problems(GetParam())) {
    for (const Dtype out_dtype : kOutputDtypes) {
      if (traits(GetParam().q).scaled) problem.out_dtype = out_dtype;
      const HostBuffers memory(problem, 5, InputKind::normal);
      const std::vector<float> exact = memory.reference_out();
      std::vector<float> want(exact.size());
      kernels::unfused_attention(memory.args({}), problem.dtype, want.data());
      const DeviceReference got(problem, memory.args({}), Precision::unfused);
      EXPECT_LT(rms_difference(got.out, want), 0.1 * rms_difference(want, exact));
    }
  }
}

constexpr ReferenceDtypes kReferenceDtypes[] = {
    {Dtype::fp16}, {Dtype::bf16}, {Dtype::e4m3}, {Dtype::fp16, Dtype::e4m3}, {Dtype::bf16, Dtype::e4m3}};
INSTANTIATE_TEST_SUITE_P(Dtypes, EmulatedReferenceTest, testing::ValuesIn(kReferenceDtypes),
                         [](const auto& instance) {
                           const ReferenceDtypes& dtypes = instance.param;
                           const std::string keys =
                               dtypes.kv ? "_kv_" + std::string(to_string(*dtypes.kv)) : "";
                           return std::string(to_string(dtypes.q)) + keys;
                         });

// More heads than the comparison has blocks, and fewer.
TEST(EmulatedComparison, IsThatOfTheCpuInEveryHead) {
  const auto cpu = make_cpu_check_device();
  for (const std::int64_t batch : {3, 700}) {
    const TensorShape shape{.batch = batch,
                            .heads = 2,
                            .rows = 5,
                            .head_dim = 8,
                            .stride = {.batch = 120, .head = 50, .row = 9},
                            .span_elements = 120 * batch};
    std::vector<std::uint16_t> values(static_cast<std::size_t>(shape.span_elements));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = i % 97 == 0 ? kernels::kPoison16 : static_cast<std::uint16_t>(0x3c00 + i * 37 % 512);
    }
    const std::vector<float> reference(static_cast<std::size_t>(shape.elements()), 1.1f);
    const HeadSums want = cpu->compare(values.data(), Dtype::fp16, shape, reference.data());
    HeadSums got(want.size());
    std::vector<std::byte> scratch(kernels::cuda_compare_scratch_bytes(got.size()));
    ASSERT_EQ(kernels::cuda_compare(values.data(), Dtype::fp16, shape.stride, reference.data(), shape.heads,
                                    shape.rows, shape.head_dim, got, scratch.data(), nullptr),
              0);
    for (std::size_t head = 0; head < want.size(); ++head) {
      EXPECT_NEAR(got[head].square_sum, want[head].square_sum, 1e-12) << head;
      EXPECT_EQ(got[head].unwritten, want[head].unwritten) << head;
      EXPECT_EQ(got[head].worst_index, want[head].worst_index) << head;
    }
  }
}

}  // namespace
}  // namespace flashcore::emulated
