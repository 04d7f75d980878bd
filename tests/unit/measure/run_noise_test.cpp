#include "measure/run_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/statistics.hpp"

namespace flashcore {
namespace {

Record hashed_on_cuda() { return {.backend = Backend::cuda, .code_hash = "0123"}; }

Timing timing(double us) { return make_timing(std::vector<double>(15, us)); }

Timing held(double us, double block_s) {
  Timing made = timing(us);
  made.throttled_samples = 8;
  made.block_s = block_s;
  return made;
}

TEST(NoiseClass, GoesBySizeCodeAndClocks) {
  const Record hashed = hashed_on_cuda();
  EXPECT_EQ(noise_class(hashed, timing(19.9)), NoiseClass::small);
  EXPECT_EQ(noise_class(hashed, timing(20)), NoiseClass::medium);
  EXPECT_EQ(noise_class(hashed, timing(500)), NoiseClass::large);
  EXPECT_EQ(noise_class(hashed, held(100, 0)), NoiseClass::capped);
  EXPECT_EQ(noise_class(hashed, held(100, 0.25)), NoiseClass::averaged);
  const Record foreign = {.backend = Backend::cuda};
  EXPECT_EQ(noise_class(foreign, timing(100)), NoiseClass::foreign);
  EXPECT_EQ(noise_class(foreign, held(100, 0.25)), NoiseClass::foreign);
  EXPECT_EQ(noise_class(foreign, held(100, 0)), NoiseClass::capped);
  EXPECT_EQ(noise_class({.backend = Backend::cpu}, timing(100)), NoiseClass::medium);
}

TEST(RunNoise, WidensTheIntervalOfSamplesThatAgree) {
  const Record record = hashed_on_cuda();
  const double between = between_runs(Backend::cuda, NoiseClass::medium);
  const Timing wide = with_run_noise(record, timing(100));
  EXPECT_DOUBLE_EQ(wide.median, 100);
  EXPECT_NEAR(wide.ci95_low, 100 * (1 - between), 1e-9);
  EXPECT_NEAR(wide.ci95_high, 100 * (1 + between), 1e-9);
}

TEST(RunNoise, AddsToTheScatterOfSamplesInSquares) {
  Timing scattered = timing(100);
  scattered.ci95_low = 97;
  scattered.ci95_high = 104;
  const double between = 100 * between_runs(Backend::cuda, NoiseClass::medium);
  const Timing wide = with_run_noise(hashed_on_cuda(), scattered);
  EXPECT_NEAR(wide.ci95_low, 100 - std::hypot(3, between), 1e-9);
  EXPECT_NEAR(wide.ci95_high, 100 + std::hypot(4, between), 1e-9);
}

TEST(RunNoise, NoisierClassesHaveWiderIntervals) {
  for (const NoiseClass noisy : {NoiseClass::foreign, NoiseClass::capped}) {
    EXPECT_GT(between_runs(Backend::cuda, noisy), between_runs(Backend::cuda, NoiseClass::medium));
  }
}

}  // namespace
}  // namespace flashcore
