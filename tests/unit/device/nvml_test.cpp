#include "device/nvml.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "device/telemetry_sampler.hpp"
#include "measure/measure.hpp"
#include "test_paths.hpp"
#include "unit/support/fake_executor.hpp"

namespace flashcore {
namespace {

constexpr const char* kBusId = "0000:1b:00.0";

// Runs against the fake NVML of tests/fakes/nvml.cpp.
class Nvml : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("FLASHCORE_NVML", FLASHCORE_FAKE_NVML, 1);
    unsetenv("FAKE_NVML");
  }
  void TearDown() override {
    unsetenv("FLASHCORE_NVML");
    unsetenv("FAKE_NVML");
  }
};

TEST_F(Nvml, ReadsADevice) {
  const NvmlDevice device(kBusId);
  ASSERT_EQ(device.problem(), "");
  EXPECT_EQ(device.info().driver_version, "580.95.05");
  EXPECT_EQ(device.info().max_sm_clock_mhz, 1980);
  EXPECT_EQ(device.info().max_mem_clock_mhz, 2619);
  EXPECT_EQ(device.info().power_limit_w, 700);
  EXPECT_EQ(device.info().ecc, true);

  const TelemetryReading first = device.read();
  const TelemetryReading second = device.read();
  EXPECT_EQ(first.sm_clock_mhz, 1980);
  EXPECT_EQ(second.sm_clock_mhz, 1500);
  EXPECT_EQ(first.mem_clock_mhz, 2619);
  EXPECT_EQ(first.power_w, 698.5);
  EXPECT_EQ(first.power_average_w, 640);
  EXPECT_EQ(first.temperature_c, 61);
  EXPECT_EQ(first.throttle_reasons, kSwPowerCap);
  EXPECT_EQ(*second.energy_j - *first.energy_j, 5);
  EXPECT_LE(first.time, second.time);
}

TEST_F(Nvml, OldDriversHaveAveragedPowerOnly) {
  setenv("FAKE_NVML", "old", 1);
  const TelemetryReading reading = NvmlDevice(kBusId).read();
  EXPECT_EQ(reading.power_w, 650);
  EXPECT_FALSE(reading.power_average_w.has_value());
}

TEST_F(Nvml, ValuesThatADeviceDoesNotReportAreAbsent) {
  setenv("FAKE_NVML", "bare", 1);
  const NvmlDevice device(kBusId);
  EXPECT_EQ(device.problem(), "");
  EXPECT_EQ(device.info().driver_version, "");
  EXPECT_FALSE(device.info().ecc.has_value());
  const TelemetryReading reading = device.read();
  EXPECT_FALSE(reading.sm_clock_mhz.has_value());
  EXPECT_FALSE(reading.power_w.has_value());
  EXPECT_FALSE(reading.energy_j.has_value());
  EXPECT_FALSE(reading.throttle_reasons.has_value());
}

TEST_F(Nvml, AMissingLibraryIsAReason) {
  setenv("FLASHCORE_NVML", "/nowhere/libnvidia-ml.so.1", 1);
  const NvmlDevice device(kBusId);
  EXPECT_NE(device.problem().find("FLASHCORE_NVML: /nowhere/libnvidia-ml.so.1"), std::string::npos)
      << device.problem();
  EXPECT_FALSE(device.read().power_w.has_value());
}

TEST_F(Nvml, FailuresHaveTheTextOfNvml) {
  setenv("FAKE_NVML", "no_init", 1);
  EXPECT_EQ(NvmlDevice(kBusId).problem(), "NVML, initialising: Driver Not Loaded");
  unsetenv("FAKE_NVML");
  EXPECT_EQ(NvmlDevice("0000:ff:00.0").problem(), "NVML, looking for device 0000:ff:00.0: Not Found");
}

TEST_F(Nvml, ADeviceTellsWhyItsEnergyCannotBeRead) {
  DeviceInfo device;
  device.pci_bus_id = kBusId;
  EXPECT_EQ(why_no_energy(device), "");
  setenv("FAKE_NVML", "bare", 1);
  EXPECT_EQ(why_no_energy(device), "it does not report its energy");
  setenv("FAKE_NVML", "no_init", 1);
  EXPECT_EQ(why_no_energy(device), "NVML, initialising: Driver Not Loaded");
}

TEST_F(Nvml, SamplerReadsInTheBackground) {
  TelemetrySampler sampler(kBusId, std::chrono::milliseconds(1));
  ASSERT_EQ(sampler.problem(), "");
  sampler.begin();
  // Two readings of the thread, after the one of begin().
  for (int seen = 0; seen < 2; ++seen) {
    const auto now = TelemetryClock::now();
    while (sampler.at(TelemetryClock::time_point::max())->time <= now) std::this_thread::yield();
  }
  const TelemetrySummary summary = sampler.end();
  EXPECT_GE(summary.readings, 2);
  EXPECT_EQ(summary.sm_clock_mhz->min, 1500);
  EXPECT_EQ(summary.sm_clock_mhz->max, 1980);
  EXPECT_EQ(summary.power_w_max, 698.5);
  EXPECT_GT(*summary.energy_j, 0);
  EXPECT_TRUE(summary.slowed_down());
}

// Reads the device once per sample; no other thread reads it.
class ReadWhileSampling : public testing::FakeExecutor {
 public:
  explicit ReadWhileSampling(TelemetrySampler& sampler) : sampler_(sampler) {}
  Sample sample(const Variant& variant, TimingMode mode) override {
    sampler_.begin();
    return FakeExecutor::sample(variant, mode);
  }

 private:
  TelemetrySampler& sampler_;
};

TEST_F(Nvml, TelemetryOfARecordCoversEveryTimingMode) {
  TelemetrySampler sampler(kBusId, std::chrono::hours(1));
  ReadWhileSampling executor(sampler);
  const MeasurePolicy policy{.min_samples = 4, .max_samples = 4, .pacing = Pacing::burst};
  const Variant variant = testing::fake_variant("one");
  Record record{.status = Status::ok};
  Candidate candidates[] = {{&variant, &record}};
  Measurement(candidates, policy, nullptr, 0, executor, &sampler).run(30, [](TimingMode, int) {});
  ASSERT_TRUE(record.timings[TimingMode::hot] && record.timings[TimingMode::cold] &&
              record.timings[TimingMode::call]);
  ASSERT_TRUE(record.telemetry.has_value());
  EXPECT_EQ(record.telemetry->readings, 3 * 4);
}

// The fake device is always at its power limit.
class HeldClocksTest : public Nvml {
 protected:
  void SetUp() override {
    Nvml::SetUp();
    setenv("FAKE_NVML", "held", 1);
  }
  void measure() {
    TelemetrySampler sampler(kBusId, std::chrono::hours(1));
    Candidate candidates[] = {{&variants[0], &records[0]}, {&variants[1], &records[1]}};
    Measurement(candidates, policy, nullptr, 0, executor, &sampler).run(30, [](TimingMode, int) {});
  }
  const Timing& timing(std::size_t i) const { return *records[i].timings[TimingMode::hot]; }

  MeasurePolicy policy{
      .modes = {TimingMode::hot}, .min_samples = 4, .max_samples = 12, .warmup_s = 0, .block_s = 0.002};
  std::vector<Variant> variants{testing::fake_variant("one"), testing::fake_variant("two")};
  std::vector<Record> records{{.status = Status::ok}, {.status = Status::ok}};
  testing::FakeExecutor executor;
};

TEST_F(HeldClocksTest, ASampleIsABlockOfTurns) {
  policy.max_samples = 4;
  measure();
  EXPECT_EQ(timing(0).samples.size(), 4u);
  EXPECT_GE(timing(0).block_s, 0.001);
  EXPECT_EQ(timing(0).throttled_samples, 4);
  EXPECT_EQ(records[0].telemetry->company, 1);
  EXPECT_GT(executor.calls().size(), 2u * 4 * 2);
}

TEST_F(HeldClocksTest, AllCandidatesLeaveTogether) {
  executor.set_script(variants[0].id(), {.latency_us = 10, .noise = 1e-9});
  executor.set_script(variants[1].id(), {.latency_us = 1000, .noise = 3});  // never narrow enough
  measure();
  EXPECT_EQ(timing(0).samples.size(), 12u);
  EXPECT_EQ(timing(1).samples.size(), 12u);
}

TEST_F(HeldClocksTest, EachVisitTakesItsPart) {
  policy.min_samples = policy.max_samples = 12;
  TelemetrySampler sampler(kBusId, std::chrono::hours(1));
  Candidate candidates[] = {{&variants[0], &records[0]}, {&variants[1], &records[1]}};
  Measurement measurement(candidates, policy, nullptr, 0, executor, &sampler, 3);
  for (const std::size_t samples : {4u, 8u, 12u}) {
    EXPECT_TRUE(samples == 4 || measurement.wants_visit());
    measurement.run(30, [](TimingMode, int) {});
    EXPECT_EQ(timing(0).samples.size(), samples);
    EXPECT_EQ(timing(1).samples.size(), samples);
    EXPECT_EQ(timing(0).sm_clock_mhz.size(), samples);
  }
  EXPECT_FALSE(measurement.wants_visit());
}

TEST_F(HeldClocksTest, FreeClocksNeedOneVisit) {
  setenv("FAKE_NVML", "free", 1);
  TelemetrySampler sampler(kBusId, std::chrono::hours(1));
  Candidate candidates[] = {{&variants[0], &records[0]}, {&variants[1], &records[1]}};
  Measurement measurement(candidates, policy, nullptr, 0, executor, &sampler, 3);
  measurement.run(30, [](TimingMode, int) {});
  EXPECT_GE(timing(0).samples.size(), 4u);
  EXPECT_FALSE(measurement.wants_visit());
}

TEST_F(HeldClocksTest, ASpentBudgetEndsTheVisits) {
  TelemetrySampler sampler(kBusId, std::chrono::hours(1));
  Candidate candidates[] = {{&variants[0], &records[0]}, {&variants[1], &records[1]}};
  Measurement measurement(candidates, policy, nullptr, 0, executor, &sampler, 3);
  measurement.run(1e-9, [](TimingMode, int) {});
  EXPECT_EQ(timing(0).samples.size(), 3u);
  EXPECT_FALSE(measurement.wants_visit());
}

TEST_F(HeldClocksTest, AReasonAtTheHighestClockHoldsNothing) {
  setenv("FAKE_NVML", "free", 1);
  TelemetrySampler sampler(kBusId, std::chrono::hours(1));
  HeldClocks clocks(&sampler, Pacing::sustained);
  EXPECT_FALSE(clocks.notice());
  setenv("FAKE_NVML", "held", 1);
  TelemetrySampler slow(kBusId, std::chrono::hours(1));
  HeldClocks held(&slow, Pacing::sustained);
  EXPECT_TRUE(held.notice());
  EXPECT_FALSE(held.notice());  // nothing new
  EXPECT_TRUE(held.held());
}

TEST(ClockMayRise, WhileAReasonHoldsItBelowTheHighest) {
  TelemetrySummary summary;
  summary.sm_clock_mhz = {.min = 1965, .median = 1965, .max = 1965};
  EXPECT_FALSE(clock_may_rise(summary, 1980));  // nothing holds it
  summary.throttle_reasons = kSwPowerCap;
  EXPECT_TRUE(clock_may_rise(summary, 1980));
  EXPECT_FALSE(clock_may_rise(summary, {}));
  summary.sm_clock_mhz->median = 1980;
  EXPECT_FALSE(clock_may_rise(summary, 1980));
}

TEST_F(HeldClocksTest, BurstPacingLeavesTheClocksAlone) {
  policy.max_samples = 4;
  policy.pacing = Pacing::burst;
  measure();
  EXPECT_EQ(timing(0).block_s, 0);
  EXPECT_EQ(executor.calls().size(), 2u * (4 + 1));  // one warms up
}

TEST_F(HeldClocksTest, ABudgetThatIsTooShortMakesBlocksShorter) {
  policy.block_s = 1000;
  TelemetrySampler sampler(kBusId, std::chrono::hours(1));
  Candidate candidates[] = {{&variants[0], &records[0]}};
  Measurement(candidates, policy, nullptr, 0, executor, &sampler).run(0.02, [](TimingMode, int) {});
  EXPECT_GE(timing(0).samples.size(), 3u);
  EXPECT_LT(timing(0).block_s, 1);
}

TEST_F(Nvml, SamplerDiscardsAllButTheLastReadingBeforeATime) {
  TelemetrySampler sampler(kBusId, std::chrono::hours(1));
  sampler.begin();
  const auto later = TelemetryClock::now();
  sampler.discard_before(later);
  const TimeSpan since[] = {{.begin = later, .end = TelemetryClock::now()}};
  EXPECT_TRUE(sampler.summary(since).energy_j.has_value());
  const TimeSpan all[] = {{.begin = TelemetryClock::time_point::min(), .end = TelemetryClock::now()}};
  EXPECT_EQ(sampler.summary(all).readings, 2);  // the kept reading and the one of the earlier summary
}

TEST_F(Nvml, SamplerWithoutNvmlHasAReason) {
  setenv("FLASHCORE_NVML", "/nowhere/libnvidia-ml.so.1", 1);
  TelemetrySampler sampler(kBusId);
  EXPECT_NE(sampler.problem(), "");
  sampler.begin();
  const TelemetrySummary summary = sampler.end();
  EXPECT_EQ(summary.readings, 0);
  EXPECT_FALSE(summary.power_w_mean.has_value());
}

}  // namespace
}  // namespace flashcore
