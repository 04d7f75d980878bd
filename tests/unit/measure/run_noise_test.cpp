#include "measure/run_noise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "measure/statistics.hpp"

namespace flashcore {
namespace {

Record ladder_on_cuda() { return {.backend = Backend::cuda}; }
Record peer_on_cuda() { return {.backend = Backend::cuda, .role = Role::peer}; }

Timing timing(double us) { return make_timing(std::vector<double>(15, us)); }

Timing held(double us, double block_s) {
  Timing made = timing(us);
  made.throttled_samples = 8;
  made.block_s = block_s;
  return made;
}

TEST(NoiseClass, GoesBySizeCodeAndClocks) {
  const Record ladder = ladder_on_cuda();
  EXPECT_EQ(noise_class(ladder, timing(19.9)), NoiseClass::small);
  EXPECT_EQ(noise_class(ladder, timing(20)), NoiseClass::medium);
  EXPECT_EQ(noise_class(ladder, timing(500)), NoiseClass::large);
  EXPECT_EQ(noise_class(ladder, held(100, 0)), NoiseClass::capped);
  EXPECT_EQ(noise_class(ladder, held(100, 0.25)), NoiseClass::averaged);
  EXPECT_EQ(noise_class(ladder, held(100, 0.15)), NoiseClass::capped);
  const Record foreign = peer_on_cuda();
  EXPECT_EQ(noise_class(foreign, timing(100)), NoiseClass::foreign);
  EXPECT_EQ(noise_class(foreign, held(100, 0.25)), NoiseClass::foreign);
  EXPECT_EQ(noise_class(foreign, held(100, 0)), NoiseClass::capped);
  EXPECT_EQ(noise_class({.backend = Backend::cpu}, timing(100)), NoiseClass::medium);
}

TEST(RunNoise, WidensTheIntervalOfSamplesThatAgree) {
  const Record record = ladder_on_cuda();
  const double between = between_runs(record, timing(100));
  const Timing wide = with_run_noise(record, timing(100));
  EXPECT_DOUBLE_EQ(wide.median, 100);
  EXPECT_NEAR(wide.ci95_low, 100 * std::exp(-between), 1e-9);
  EXPECT_NEAR(wide.ci95_high, 100 * std::exp(between), 1e-9);
}

TEST(RunNoise, AddsToTheScatterOfSamplesInSquares) {
  Timing scattered = timing(100);
  scattered.ci95_low = 97;
  scattered.ci95_high = 104;
  const double between = between_runs(ladder_on_cuda(), scattered);
  const Timing wide = with_run_noise(ladder_on_cuda(), scattered);
  EXPECT_NEAR(std::log(wide.ci95_low / 100), -std::hypot(std::log(0.97), between), 1e-9);
  EXPECT_NEAR(std::log(wide.ci95_high / 100), std::hypot(std::log(1.04), between), 1e-9);
}

TEST(RunNoise, NoisierRowsHaveWiderIntervals) {
  const double quiet = between_runs(ladder_on_cuda(), timing(100));
  EXPECT_GT(between_runs(peer_on_cuda(), timing(100)), quiet);
  EXPECT_GT(between_runs(ladder_on_cuda(), held(100, 0)), quiet);
}

TEST(RunNoise, FewSamplesHaveAWiderIntervalThanTheirRange) {
  const Record record = ladder_on_cuda();
  const auto half_width = [&](std::vector<double> samples) {
    const Timing timing = with_run_noise(record, make_timing(std::move(samples)));
    return std::log(timing.ci95_high / timing.median);
  };
  const double between = between_runs(record, timing(100));
  EXPECT_NEAR(half_width({98, 100, 102}), std::hypot(2.9 * std::log(1.02), between), 1e-9);
  EXPECT_NEAR(half_width({98, 99, 100, 101, 102}), std::hypot(1.1 * std::log(1.02), between), 1e-9);
  EXPECT_NEAR(half_width({98, 99, 100, 100, 101, 102}), std::hypot(std::log(1.02), between), 1e-9);
  EXPECT_NEAR(half_width({100}), between, 1e-9);
}

TEST(RunNoise, NoIntervalReachesZero) {
  std::vector<double> samples(20, 1);
  std::fill(samples.begin() + 10, samples.end(), 1000);
  const Timing wide = with_run_noise({.backend = Backend::cpu}, make_timing(samples));
  EXPECT_GT(wide.ci95_low, 0);
  EXPECT_LT(wide.ci95_low, 1);
}

// Ten samples of 100 us and ten of 200 us: half of the time another process had the core.
TEST(RunNoise, RunsOnABusyHostDifferAsSamplesDo) {
  std::vector<double> samples(20, 100);
  std::fill(samples.begin() + 10, samples.end(), 200);
  const Timing scattered = make_timing(samples);
  EXPECT_NEAR(between_runs({.backend = Backend::cpu}, scattered), 0.75 * (100 / 2.56) / 150, 1e-9);
  EXPECT_LT(between_runs(ladder_on_cuda(), scattered), 0.01);
  EXPECT_DOUBLE_EQ(between_runs({.backend = Backend::cpu}, timing(100)), 0.02);
}

}  // namespace
}  // namespace flashcore
