#include "unit/support/fake_executor.hpp"

#include <gtest/gtest.h>

#include "measure/statistics.hpp"

namespace flashcore {
namespace {

using testing::Behaviour;
using testing::fake_variant;
using testing::FakeExecutor;

std::vector<double> take_samples(FakeExecutor& executor, const Variant& variant) {
  std::vector<double> samples;
  for (int i = 0; i < 101; ++i) samples.push_back(executor.sample(variant, TimingMode::hot).us);
  return samples;
}

TEST(FakeExecutor, TakesItsNoiseFromItsSeed) {
  const Variant variant = fake_variant("fake");
  FakeExecutor a(1), b(1), c(2);
  for (FakeExecutor* executor : {&a, &b, &c})
    executor->set_script(variant.id(), {.latency_us = 50, .noise = 0.02});
  const auto samples = take_samples(a, variant);
  EXPECT_EQ(samples, take_samples(b, variant));
  EXPECT_NE(samples, take_samples(c, variant));
  const Timing timing = make_timing(samples);
  EXPECT_NEAR(timing.median, 50, 1);
  EXPECT_GT(timing.p90 - timing.p10, 1);
}

TEST(FakeExecutor, BehavesAsScripted) {
  FakeExecutor executor;
  const auto verify = [&](Behaviour behaviour) {
    const Variant variant = fake_variant("fake");
    executor.set_script(variant.id(), {.behaviour = behaviour});
    executor.prepare({.name = "seed"}, 0);
    return executor.verify(variant, {});
  };
  EXPECT_TRUE(verify(Behaviour::right).passed);
  EXPECT_FALSE(verify(Behaviour::wrong).passed);
  EXPECT_TRUE(verify(Behaviour::wrong_when_run_again).passed);
  EXPECT_FALSE(executor.verify(fake_variant("fake"), {}).passed);
  EXPECT_THROW(verify(Behaviour::throws_in_verify), EnvironmentError);
  EXPECT_THROW(verify(Behaviour::out_of_memory), OutOfMemoryError);
  EXPECT_TRUE(verify(Behaviour::throws_in_sample).passed);
  EXPECT_THROW(executor.sample(fake_variant("fake"), TimingMode::hot), EnvironmentError);
  executor.refuse_problem("huge");
  EXPECT_THROW(executor.prepare({.name = "huge"}, 0), OutOfMemoryError);
  EXPECT_EQ(executor.calls().back(), "prepare huge");
}

}  // namespace
}  // namespace flashcore
