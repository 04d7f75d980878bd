// e4m3: its conversions over all codes, its inputs, its unfused attention, and that a check tells wrong factors.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "execute/cpu_executor.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/reference/cpu_reference.hpp"
#include "registry/registry.hpp"
#include "unit/support/host_buffers.hpp"
#include "unit/support/kernel_variant.hpp"
#include "unit/support/support.hpp"

#if __has_include(<cuda_fp8.h>)
#include <cuda_fp8.h>
#endif

namespace flashcore {
namespace {

using kernels::E4m3;
using kernels::from_float;
using kernels::InputKind;
using kernels::InputTensor;
using kernels::to_float;

E4m3 code(unsigned bits) { return {static_cast<std::uint8_t>(bits)}; }

// --- Conversions

// The value of a code by its definition.
double e4m3_value(unsigned bits) {
  const int exponent = static_cast<int>(bits >> 3 & 15u);
  const double fraction = bits & 7u;
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 10);
  return bits & 0x80u ? -magnitude : magnitude;
}

TEST(E4m3, EveryCodeHasItsValueAndReturns) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const float value = to_float(code(bits));
    ASSERT_EQ(std::isnan(value), (bits & 0x7f) == 0x7f) << bits;
    if (!std::isnan(value)) {
      ASSERT_EQ(static_cast<double>(value), e4m3_value(bits)) << bits;
      ASSERT_EQ(std::signbit(value), bits >= 0x80) << bits;
    }
    ASSERT_EQ(from_float<E4m3>(value).bits, bits);
  }
  EXPECT_EQ(to_float(code(0x7e)), traits(Dtype::e4m3).largest);
}

// Between each pair of neighbours: just below the middle goes down, just above goes up, the middle to even.
TEST(E4m3, RoundsToNearestEven) {
  for (unsigned bits = 0; bits < 0x7e; ++bits) {
    const float middle = (to_float(code(bits)) + to_float(code(bits + 1))) / 2;
    ASSERT_EQ(from_float<E4m3>(std::nextafter(middle, 0.0f)).bits, bits) << middle;
    ASSERT_EQ(from_float<E4m3>(std::nextafter(middle, 1e9f)).bits, bits + 1) << middle;
    ASSERT_EQ(from_float<E4m3>(middle).bits, bits + (bits & 1u)) << middle;
    ASSERT_EQ(from_float<E4m3>(-middle).bits, (bits + (bits & 1u)) | 0x80u) << -middle;
  }
}

TEST(E4m3, SaturatesAndKeepsNan) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float large : {448.0f, 463.9f, 464.0f, 465.0f, 480.0f, 1e30f, kInfinity}) {
    EXPECT_EQ(from_float<E4m3>(large).bits, 0x7eu) << large;
    EXPECT_EQ(from_float<E4m3>(-large).bits, 0xfeu) << large;
  }
  EXPECT_EQ(from_float<E4m3>(std::numeric_limits<float>::quiet_NaN()).bits & 0x7fu, 0x7fu);
  EXPECT_EQ(from_float<E4m3>(0x1p-10f).bits, 0u);  // half of the smallest: to even
  EXPECT_EQ(from_float<E4m3>(-1e-30f).bits, 0x80u);
}

TEST(E4m3, ConvertsAsCudaDoes) {
#if __has_include(<cuda_fp8.h>)
  const auto same = [](float value) {
    const auto theirs = __nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3);
    const unsigned ours = from_float<E4m3>(value).bits;
    // CUDA's NaN has no sign.
    return std::isnan(value) ? theirs == 0x7f && (ours & 0x7f) == 0x7f : theirs == ours;
  };
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 1021) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    ASSERT_TRUE(same(value)) << value;
  }
  for (unsigned bits = 0; bits < 0x7e; ++bits) {
    ASSERT_TRUE(same((to_float(code(bits)) + to_float(code(bits + 1))) / 2)) << bits;
  }
  for (unsigned bits = 0; bits < 256; ++bits) {
    __nv_fp8_e4m3 theirs;
    theirs.__x = static_cast<__nv_fp8_storage_t>(bits);
    const float value = to_float(code(bits));
    ASSERT_TRUE(std::isnan(value) ? std::isnan(float(theirs)) : float(theirs) == value) << bits;
  }
#else
  GTEST_SKIP() << "cuda_fp8.h is not there";
#endif
}

// --- Inputs

Problem small_problem() {
  Problem problem{.batch = 2, .heads_q = 4, .heads_kv = 2, .seq_q = 40, .seq_kv = 70, .dtype = Dtype::e4m3};
  problem.scale = default_scale(problem.head_dim);
  return problem;
}

TEST(E4m3Inputs, AreTheNormalValuesOfOtherDtypes) {
  Problem problem = small_problem();
  const HostBuffers eight(problem, 3, InputKind::normal);
  const AttentionArgs args = eight.args({});
  const std::uint64_t stream = kernels::random_stream(3, InputTensor::k, 0);
  const auto* k = static_cast<const E4m3*>(args.k);
  for (std::int64_t i = 0; i < key_shape(problem).elements(); ++i) {
    const float factor = args.k_descale[i / (problem.seq_kv * problem.head_dim)];
    const float wanted = kernels::normal_value(stream, static_cast<std::uint64_t>(i));
    ASSERT_NEAR(factor * to_float(k[i]), wanted, std::fabs(wanted) * 0x1p-4f + factor * 0x1p-10f) << i;
  }
}

TEST(E4m3Inputs, FillTheRangeOfEachHead) {
  const Problem problem = small_problem();
  const HostBuffers memory(problem, 3, InputKind::normal);
  const AttentionArgs args = memory.args({});
  const std::int64_t group = 2 * problem.seq_q * problem.head_dim;
  for (std::int64_t head = 0; head < 4; ++head) {
    float largest = 0;
    for (std::int64_t i = head * group; i < (head + 1) * group; ++i) {
      largest = std::max(largest, std::fabs(to_float(static_cast<const E4m3*>(args.q)[i])));
    }
    EXPECT_TRUE(largest == 448 || largest == 224 || largest == 112) << largest;
    if (head > 0) {
      const float ratio = args.q_descale[head] / args.q_descale[head - 1];
      EXPECT_GT(std::max(ratio, 1 / ratio), 1.5f);
    }
  }
}

TEST(E4m3Inputs, SubnormalsStaySo) {
  const HostBuffers memory(small_problem(), 3, InputKind::subnormal);
  const AttentionArgs args = memory.args({});
  EXPECT_EQ(args.v_descale[1], 1);
  for (int i = 0; i < 1000; ++i) {
    const unsigned bits = static_cast<const E4m3*>(args.v)[i].bits & 0x7fu;
    ASSERT_TRUE(bits > 0 && bits < 8) << bits;
  }
}

TEST(E4m3Inputs, GapsAreNan) {
  Problem problem = small_problem();
  problem.layout = Layout::padded;
  const HostBuffers memory(problem, 3, InputKind::normal);
  EXPECT_TRUE(std::isnan(to_float(static_cast<const E4m3*>(memory.args({}).k)[problem.head_dim])));
}

// --- Reference and unfused attention

// Attention of the elements times their factors by the definition, in FP64: one output element.
double expected_element(const Problem& problem, const AttentionArgs& args, std::int64_t row) {
  const auto value = [&](const void* tensor, const float* factors, std::int64_t rows, std::int64_t i) {
    return static_cast<double>(factors[i / rows / problem.head_dim]) *
           to_float(static_cast<const E4m3*>(tensor)[i]);
  };
  const std::int64_t dim = problem.head_dim;
  const std::int64_t group = problem.heads_q / problem.heads_kv;
  const std::int64_t first_key = row / problem.seq_q / group * problem.seq_kv;
  double sum = 0;
  double out = 0;
  for (std::int64_t key = 0; key < problem.seq_kv; ++key) {
    double dot = 0;
    for (std::int64_t d = 0; d < dim; ++d) {
      dot += value(args.q, args.q_descale, group * problem.seq_q, row * dim + d) *
             value(args.k, args.k_descale, problem.seq_kv, (first_key + key) * dim + d);
    }
    const double weight = std::exp(problem.scale * dot);
    sum += weight;
    out += weight * value(args.v, args.v_descale, problem.seq_kv, (first_key + key) * dim);
  }
  return out / sum;
}

TEST(E4m3Reference, IsOfTheScaledValues) {
  const Problem problem = small_problem();
  const HostBuffers memory(problem, 3, InputKind::normal);
  for (const std::int64_t row : {0, 41, 100, 319}) {
    EXPECT_NEAR(memory.reference_out()[row * problem.head_dim],
                expected_element(problem, memory.args({}), row), 1e-5);
  }
}

TEST(E4m3Reference, UnfusedAttentionRoundsProbabilitiesAndOutput) {
  Problem problem = small_problem();
  for (const Dtype out_dtype : kOutputDtypes) {
    problem.out_dtype = out_dtype;
    const HostBuffers memory(problem, 3, InputKind::normal);
    const std::vector<float> exact = memory.reference_out();
    std::vector<float> out(exact.size());
    kernels::unfused_attention(memory.args({}), problem.dtype, out.data());
    double error = 0;
    double size = 0;
    kernels::visit_output_dtype(out_dtype, [&]<class T>(T) {
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_EQ(out[i], to_float(from_float<T>(out[i])));
        error += std::pow(out[i] - exact[i], 2);
        size += std::pow(exact[i], 2);
      }
    });
    // Roundings of P are of up to 1/16, and 1/40 on average.
    EXPECT_GT(std::sqrt(error / size), 0.01);
    EXPECT_LT(std::sqrt(error / size), 0.04);
  }
}

// --- Checks

std::string failure_of(int (*launch)(const AttentionArgs&, void*)) {
  const Variant variant = testing::with_launch(*find_variant("cpu_fused/e4m3_d64_q32_kv64"), launch);
  const auto executor = make_cpu_executor();
  executor->prepare(small_problem(), 5);
  return executor->verify(variant, {}).reason;
}

int launch_right(const AttentionArgs& args) {
  return find_variant("cpu_fused/e4m3_d64_q32_kv64")->launch(args, nullptr);
}

TEST(E4m3Check, TellsFactorsOfAnotherHead) {
  EXPECT_EQ(failure_of([](const AttentionArgs& args, void*) { return launch_right(args); }), "");
  for (const auto launch : {+[](const AttentionArgs&args, void*) {
                              const std::vector<float> first(4, args.q_descale[0]);
                              AttentionArgs wrong = args;
                              wrong.q_descale = first.data();
                              return launch_right(wrong);
                            },
                            +[](const AttentionArgs&args, void*) {
                              AttentionArgs wrong = args;
                              wrong.v_descale = args.k_descale;
                              return launch_right(wrong);
                            },
                            +[](const AttentionArgs&args, void*) {
                              AttentionArgs wrong = args;
                              wrong.k_descale = nullptr;
                              return launch_right(wrong);
                            }}) {
    testing::expect_contains(failure_of(launch), " error is ");
  }
}

TEST(E4m3Check, BothOutputDtypesAndNegatedValues) {
  const auto executor = make_cpu_executor();
  Problem problem = small_problem();
  for (const Dtype out_dtype : kOutputDtypes) {
    problem.out_dtype = out_dtype;
    executor->prepare(problem, 5);
    for (const char* id : {"cpu_scalar/e4m3_d64", "cpu_fused/e4m3_d64_q32_kv64"}) {
      const Variant& variant = *find_variant(id);
      EXPECT_EQ(executor->unsupported(variant), "");
      EXPECT_EQ(executor->verify(variant, {}).reason, "") << id;
      EXPECT_EQ(executor->verify_sample(variant, TimingMode::hot, {}).check.reason, "") << id;
    }
  }
  EXPECT_EQ(executor->unsupported(*find_variant("cpu_scalar/bf16_d64")), "compiled for another dtype");
}

}  // namespace
}  // namespace flashcore
