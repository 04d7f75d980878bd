// The reference and the unfused attention, held to FP64 and to PyTorch's float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/common/cpu_numeric.hpp"
#include "kernels/common/random.hpp"
#include "kernels/reference/cpu_reference.hpp"
#include "unit/support/golden_attention.hpp"

namespace flashcore {
namespace {

// Largest difference; equal infinities agree, any other non-finite value is infinitely wrong.
template <class Real>
double largest_difference(const std::vector<Real>& values, const std::vector<double>& expected) {
  EXPECT_EQ(values.size(), expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (static_cast<double>(values[i]) == expected[i]) continue;
    const double difference = std::fabs(static_cast<double>(values[i]) - expected[i]);
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

template <class Real>
struct Result {
  explicit Result(const GoldenCase& golden) : out(golden.out.size()), lse(golden.lse.size()) {
    kernels::reference_attention(golden.args(), golden.problem.dtype, out.data(), lse.data());
  }
  std::vector<Real> out, lse;
};

class GoldenReference : public testing::TestWithParam<const char*> {};

// FP32 dot products of inputs twelve times as large have scores of some thousands, hence the wider limit.
double fp32_limit(const GoldenCase& golden) { return golden.problem.name == "large_scores" ? 2e-3 : 5e-6; }

TEST_P(GoldenReference, AgreesInFp64) {
  const GoldenCase golden = read_golden_case(GetParam());
  const Result<double> result(golden);
  // The scale reaches the kernels as float; at head_dim 32 it is not a power of two.
  EXPECT_LT(largest_difference(result.out, golden.out), 1e-6);
  EXPECT_LT(largest_difference(result.lse, golden.lse), 1e-6);
}

TEST_P(GoldenReference, AgreesInFp32) {
  const GoldenCase golden = read_golden_case(GetParam());
  const Result<float> result(golden);
  EXPECT_LT(largest_difference(result.out, golden.out), fp32_limit(golden));
  EXPECT_LT(largest_difference(result.lse, golden.lse), fp32_limit(golden));
}

TEST_P(GoldenReference, UnfusedAttentionIsNearButRounded) {
  const GoldenCase golden = read_golden_case(GetParam());
  std::vector<float> out(golden.out.size());
  kernels::unfused_attention(golden.args(), golden.problem.dtype, out.data());
  const double rounding = golden.problem.dtype == Dtype::fp16 ? 0x1p-11 : 0x1p-8;
  const double limit = golden.problem.name == "large_scores" ? 1.0 : 8 * rounding;
  EXPECT_LT(largest_difference(out, golden.out), limit);
  kernels::visit_dtype(golden.problem.dtype, [&]<class T>(T) {
    for (const float value : out) {
      ASSERT_EQ(value, to_float(kernels::from_float<T>(value)));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenReference, testing::ValuesIn(kGoldenCases),
                         [](const auto& test) { return std::string(test.param); });

// Window, soft cap and log-sum-exp by the definition, in FP64, one query at a time.
TEST(Reference, WindowAndSoftcapFollowTheirDefinition) {
  Problem problem{.seq_q = 9, .seq_kv = 14, .head_dim = 32};
  problem.scale = 0.3;
  problem.window_left = 4;
  problem.window_right = 2;
  problem.softcap = 1.5;
  const std::int64_t dim = problem.head_dim;
  const auto make = [&](std::int64_t rows, kernels::InputTensor tensor) {
    std::vector<kernels::Fp16> values(rows * dim);
    const std::uint64_t stream = kernels::random_stream(3, tensor, 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = kernels::from_float<kernels::Fp16>(kernels::normal_value(stream, i));
    }
    return values;
  };
  const auto q = make(problem.seq_q, kernels::InputTensor::q);
  const auto k = make(problem.seq_kv, kernels::InputTensor::k);
  const auto v = make(problem.seq_kv, kernels::InputTensor::v);
  AttentionArgs args = attention_args(problem);
  args.q = q.data();
  args.k = k.data();
  args.v = v.data();
  std::vector<double> out(problem.seq_q * dim);
  std::vector<double> lse(problem.seq_q);
  kernels::reference_attention(args, problem.dtype, out.data(), lse.data());

  for (std::int64_t i = 0; i < problem.seq_q; ++i) {
    const std::int64_t diagonal = i + problem.seq_kv - problem.seq_q;
    double sum = 0;
    double first_column = 0;
    for (std::int64_t j = 0; j < problem.seq_kv; ++j) {
      if (j < diagonal - problem.window_left || j > diagonal + problem.window_right) continue;
      double dot = 0;
      for (std::int64_t d = 0; d < dim; ++d) {
        dot += static_cast<double>(to_float(q[i * dim + d])) * to_float(k[j * dim + d]);
      }
      const double weight = std::exp(problem.softcap * std::tanh(problem.scale * dot / problem.softcap));
      sum += weight;
      first_column += weight * to_float(v[j * dim]);
    }
    EXPECT_NEAR(lse[i], std::log(sum), 1e-6);
    EXPECT_NEAR(out[i * dim], first_column / sum, 1e-6);
  }
}

}  // namespace
}  // namespace flashcore
