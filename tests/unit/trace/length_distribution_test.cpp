#include "trace/length_distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "trace/portable_random.hpp"

namespace flashcore {
namespace {

TEST(PortableRandom, LogarithmAndExponentialAreAccurate) {
  for (const double x : {1e-300, 0.1, 0.5, 0.7071, 0.999999, 1.0, 1.5, 2.0, 3.25, 1000.0, 1e300}) {
    EXPECT_NEAR(portable_log(x), std::log(x), 4e-16 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  for (const double x : {-699.0, -20.5, -1.0, -1e-9, 0.0, 1e-9, 0.3, 1.0, 17.25, 699.0}) {
    EXPECT_NEAR(portable_exp(x) / std::exp(x), 1, 4e-16) << x;
  }
  EXPECT_EQ(portable_log(1), 0);
  EXPECT_EQ(portable_exp(0), 1);
}

TEST(PortableRandom, NumbersAreInTheirRanges) {
  PortableRandom random(7);
  std::set<std::uint32_t> seen;
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    seen.insert(random.below(3));
    const double unit = random.unit();
    EXPECT_GE(unit, 0);
    EXPECT_LT(unit, 1);
    const double normal = random.normal();
    sum += normal;
    squares += normal * normal;
  }
  EXPECT_EQ(seen, (std::set<std::uint32_t>{0, 1, 2}));
  EXPECT_NEAR(sum / kDraws, 0, 0.03);
  EXPECT_NEAR(squares / kDraws, 1, 0.05);
}

LengthDistribution sample(LengthLaw law, std::uint64_t seed) {
  return {.law = law,
          .sequences = 64,
          .seed = seed,
          .kv = {.min = 16, .max = 8192, .median = 1000, .sigma = 1.1, .exponent = 1.2},
          .q = {.min = 1, .max = 1}};
}

// The values are a promise: a config with this seed means these lengths on every machine.
TEST(LengthDistribution, ASeedMeansTheSameLengthsEverywhere) {
  LengthDistribution distribution = sample(LengthLaw::uniform, 1);
  distribution.sequences = 4;
  EXPECT_EQ(lengths_text(draw_lengths(distribution)), "q1s1110_q1s1131_q1s3705_q1s187");
  distribution.law = LengthLaw::lognormal;
  EXPECT_EQ(lengths_text(draw_lengths(distribution)), "q1s958_q1s760_q1s942_q1s3007");
  distribution.law = LengthLaw::zipf;
  EXPECT_EQ(lengths_text(draw_lengths(distribution)), "2q1s26_q1s109_q1s17");
}

TEST(LengthDistribution, SeedsAndRangesAreKept) {
  for (const LengthLaw law : kAll<LengthLaw>) {
    const Lengths lengths = draw_lengths(sample(law, 1));
    EXPECT_EQ(lengths, draw_lengths(sample(law, 1)));
    EXPECT_NE(lengths, draw_lengths(sample(law, 2)));
    ASSERT_EQ(lengths.kv.size(), 64u);
    EXPECT_EQ(lengths.q, std::vector<std::int32_t>(64, 1));
    EXPECT_GE(*std::ranges::min_element(lengths.kv), 16);
    EXPECT_LE(*std::ranges::max_element(lengths.kv), 8192);
    EXPECT_GT(std::set(lengths.kv.begin(), lengths.kv.end()).size(), 8u);
  }
}

TEST(LengthDistribution, MediansAreThoseOfTheLaws) {
  const auto median = [](LengthLaw law) {
    LengthDistribution distribution = sample(law, 3);
    distribution.sequences = 20001;
    std::vector<std::int32_t> lengths = draw_lengths(distribution).kv;
    std::ranges::nth_element(lengths, lengths.begin() + 10000);
    return static_cast<double>(lengths[10000]);
  };
  EXPECT_NEAR(median(LengthLaw::uniform), 4104, 80);
  EXPECT_NEAR(median(LengthLaw::lognormal), 1000, 30);
  EXPECT_LT(median(LengthLaw::zipf), 400);
}

TEST(LengthDistribution, KeysAreAtLeastTheQueries) {
  LengthDistribution distribution = sample(LengthLaw::uniform, 1);
  distribution.q = {.min = 0, .max = 8192};
  const Lengths lengths = draw_lengths(distribution);
  bool some_equal = false;
  for (std::size_t i = 0; i < lengths.q.size(); ++i) {
    EXPECT_GE(lengths.kv[i], lengths.q[i]);
    some_equal |= lengths.kv[i] == lengths.q[i];
  }
  EXPECT_TRUE(some_equal);
}

TEST(LengthDistribution, TheTextHasAllParameters) {
  EXPECT_EQ(distribution_text(sample(LengthLaw::lognormal, 1)),
            "lognormal, 64 sequences, seed 1, kv median 1000 sigma 1.1 min 16 max 8192, q 1");
  EXPECT_EQ(distribution_text(sample(LengthLaw::zipf, 2)),
            "zipf, 64 sequences, seed 2, kv exponent 1.2 min 16 max 8192, q 1");
  EXPECT_EQ(distribution_text(sample(LengthLaw::uniform, 3)),
            "uniform, 64 sequences, seed 3, kv min 16 max 8192, q 1");
}

}  // namespace
}  // namespace flashcore
