// Conversions of the CPU, over all bit patterns, and the input generator.
#include "kernels/common/cpu_numeric.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "kernels/common/random.hpp"

namespace flashcore::kernels {
namespace {

// The value of a binary16 by its definition.
double fp16_value(unsigned bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31u);
  const double fraction = bits & 1023u;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000u ? -magnitude : magnitude;
}

TEST(CpuNumeric, EveryFp16HasItsValueAndReturns) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const Fp16 half{static_cast<std::uint16_t>(bits)};
    const float value = to_float(half);
    if ((bits & 0x7fffu) > 0x7c00u) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(to_float(from_float<Fp16>(value)))) << bits;
      continue;
    }
    if ((bits & 0x7fffu) == 0x7c00u) {
      ASSERT_TRUE(std::isinf(value)) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), fp16_value(bits)) << bits;
    }
    ASSERT_EQ(from_float<Fp16>(value).bits, bits);
  }
}

TEST(CpuNumeric, EveryBf16Returns) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float value = to_float(Bf16{static_cast<std::uint16_t>(bits)});
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(to_float(from_float<Bf16>(value)))) << bits;
    } else {
      ASSERT_EQ(from_float<Bf16>(value).bits, bits);
    }
  }
}

// Between each pair of neighbours: just below the middle goes down, just above goes up, the middle to even.
template <class T>
void check_rounding(unsigned infinity) {
  for (unsigned bits = 0; bits + 1 < infinity; ++bits) {
    const double low = to_float(T{static_cast<std::uint16_t>(bits)});
    const double high = to_float(T{static_cast<std::uint16_t>(bits + 1)});
    const auto middle = static_cast<float>((low + high) / 2);
    const float below = std::nextafter(middle, 0.0f);
    const float above = std::nextafter(middle, std::numeric_limits<float>::infinity());
    ASSERT_EQ(from_float<T>(below).bits, bits) << below;
    ASSERT_EQ(from_float<T>(above).bits, bits + 1) << above;
    ASSERT_EQ(from_float<T>(middle).bits, bits + (bits & 1u)) << middle;
    ASSERT_EQ(from_float<T>(-middle).bits, (bits + (bits & 1u)) | 0x8000u) << -middle;
  }
}

TEST(CpuNumeric, Fp16RoundsToNearestEven) {
  check_rounding<Fp16>(0x7c00);
  EXPECT_EQ(from_float<Fp16>(65519.996f).bits, 0x7bffu);
  EXPECT_EQ(from_float<Fp16>(65520.0f).bits, 0x7c00u);
  EXPECT_EQ(from_float<Fp16>(-1e30f).bits, 0xfc00u);
  EXPECT_EQ(from_float<Fp16>(-0.0f).bits, 0x8000u);
}

TEST(CpuNumeric, Bf16RoundsToNearestEven) {
  check_rounding<Bf16>(0x7f80);
  EXPECT_EQ(from_float<Bf16>(std::numeric_limits<float>::max()).bits, 0x7f80u);
}

TEST(Random, IsStandardNormalAndIndependentOfOrder) {
  const std::uint64_t stream = random_stream(42, InputTensor::q, 0);
  constexpr int kCount = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = normal_value(stream, i);
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.01);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
  EXPECT_NEAR(fourth / kCount, 3, 0.15);
  EXPECT_EQ(normal_value(stream, 12345), normal_pair(stream, 6172).second);
}

TEST(Random, TensorsSetsAndSeedsAreUncorrelated) {
  const std::uint64_t base = random_stream(1, InputTensor::q, 0);
  for (const std::uint64_t other : {random_stream(1, InputTensor::k, 0), random_stream(1, InputTensor::q, 1),
                                    random_stream(2, InputTensor::q, 0)}) {
    constexpr int kCount = 50000;
    double product = 0;
    for (int i = 0; i < kCount; ++i) {
      product += static_cast<double>(normal_value(base, i)) * normal_value(other, i);
    }
    EXPECT_NEAR(product / kCount, 0, 0.02);
  }
}

}  // namespace
}  // namespace flashcore::kernels
