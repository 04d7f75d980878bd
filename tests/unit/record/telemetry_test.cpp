#include "record/telemetry.hpp"

#include <gtest/gtest.h>

namespace flashcore {
namespace {

using std::chrono::milliseconds;

const TelemetryClock::time_point kStart = TelemetryClock::now();

TelemetryReading reading(int at_ms, double sm_clock_mhz, double power_w, double energy_j,
                         std::uint64_t reasons = 0) {
  TelemetryReading reading;
  reading.time = kStart + milliseconds(at_ms);
  reading.sm_clock_mhz = sm_clock_mhz;
  reading.mem_clock_mhz = 2619;
  reading.power_w = power_w;
  reading.temperature_c = 40 + at_ms / 10.0;
  reading.energy_j = energy_j;
  reading.throttle_reasons = reasons;
  return reading;
}

TimeSpan span(int begin_ms, int end_ms) {
  return {.begin = kStart + milliseconds(begin_ms), .end = kStart + milliseconds(end_ms)};
}

// 500 W, then 700 W from 20 ms on, where the power cap applies.
const std::vector<TelemetryReading> kReadings = {
    reading(0, 1980, 500, 100),
    reading(10, 1980, 500, 105),
    reading(20, 1755, 700, 110, kSwPowerCap),
    reading(30, 1500, 690, 117, kSwPowerCap),
    reading(40, 1600, 700, 124, kSwPowerCap | kGpuIdle),
};

TEST(Telemetry, ListsReasonsInTheOrderOfTheirBits) {
  EXPECT_EQ(throttle_reason_names(0), std::vector<std::string>{});
  EXPECT_EQ(throttle_reason_names(0x44), (std::vector<std::string>{"sw_power_cap", "hw_thermal_slowdown"}));
  EXPECT_EQ(throttle_reason_names(0x600), (std::vector<std::string>{"0x200", "0x400"}));
  EXPECT_EQ(throttle_reason_names(0x1001), (std::vector<std::string>{"gpu_idle", "0x1000"}));
}

TEST(Telemetry, SummarisesTheReadingsInsideASpan) {
  const TimeSpan spans[] = {span(15, 40)};
  const TelemetrySummary summary = summarise(kReadings, spans);
  EXPECT_EQ(summary.readings, 3);
  ASSERT_TRUE(summary.sm_clock_mhz.has_value());
  EXPECT_EQ(summary.sm_clock_mhz->min, 1500);
  EXPECT_EQ(summary.sm_clock_mhz->median, 1600);
  EXPECT_EQ(summary.sm_clock_mhz->max, 1755);
  EXPECT_EQ(summary.mem_clock_mhz, 2619);
  EXPECT_NEAR(*summary.power_w_mean, 2090 / 3.0, 1e-9);
  EXPECT_EQ(summary.power_w_max, 700);
  EXPECT_EQ(summary.temperature_c_max, 44);
  EXPECT_EQ(summary.throttle_reasons, kSwPowerCap | kGpuIdle);
  EXPECT_TRUE(summary.slowed_down());
}

TEST(Telemetry, EnergyIsInterpolatedAtTheEndsOfSpans) {
  const TimeSpan one[] = {span(5, 25)};
  EXPECT_NEAR(*summarise(kReadings, one).energy_j, 113.5 - 102.5, 1e-9);
  const TimeSpan two[] = {span(0, 5), span(35, 40)};
  EXPECT_NEAR(*summarise(kReadings, two).energy_j, 2.5 + 3.5, 1e-9);
}

TEST(Telemetry, EnergyIsAbsentUnlessReadingsSurroundTheSpan) {
  const TimeSpan late[] = {span(0, 10), span(30, 50)};
  EXPECT_FALSE(summarise(kReadings, late).energy_j.has_value());
  const TimeSpan early[] = {span(-5, 10)};
  EXPECT_FALSE(summarise(kReadings, early).energy_j.has_value());
}

// A counter that is updated every 100 ms stands still for ten readings.
TEST(Telemetry, EnergyIsInterpolatedBetweenUpdatesOfTheCounter) {
  constexpr double kPowerW = 300;
  std::vector<TelemetryReading> readings;
  for (int ms = 0; ms <= 2000; ms += 10)
    readings.push_back(reading(ms, 1980, kPowerW, kPowerW * (ms / 100) / 10));
  for (int begin = 110; begin < 700; begin += 7) {
    const TimeSpan one[] = {span(begin, begin + 1003)};
    EXPECT_NEAR(*summarise(readings, one).energy_j, kPowerW * 1.003, 1e-6) << begin;
  }
}

TEST(Telemetry, EnergyIsAbsentIfTheCounterFalls) {
  std::vector<TelemetryReading> readings;
  for (int ms = 0; ms <= 100; ms += 10) readings.push_back(reading(ms, 1980, 300, ms < 50 ? 1000 + ms : ms));
  const TimeSpan over[] = {span(15, 85)};
  EXPECT_FALSE(summarise(readings, over).energy_j.has_value());
  const TimeSpan after[] = {span(55, 85)};
  EXPECT_NEAR(*summarise(readings, after).energy_j, 30, 1e-9);
}

TEST(Telemetry, AShortSpanTakesTheNearestReading) {
  const TimeSpan spans[] = {span(12, 13), span(28, 29)};
  const TelemetrySummary summary = summarise(kReadings, spans);
  EXPECT_EQ(summary.readings, 0);
  EXPECT_EQ(summary.sm_clock_mhz->min, 1500);
  EXPECT_EQ(summary.sm_clock_mhz->median, 1740);  // between 1980 and 1500
}

TEST(Telemetry, IdlenessAndChosenClocksAreNotASlowdown) {
  const std::vector<TelemetryReading> idle = {reading(0, 1980, 90, 1, kGpuIdle | kApplicationsClocksSetting)};
  const TimeSpan spans[] = {span(0, 1)};
  EXPECT_FALSE(summarise(idle, spans).slowed_down());
}

TEST(Telemetry, WithoutReadingsEverythingIsAbsent) {
  const TimeSpan spans[] = {span(0, 10)};
  const TelemetrySummary summary = summarise({}, spans);
  EXPECT_EQ(summary.readings, 0);
  EXPECT_FALSE(summary.sm_clock_mhz.has_value());
  EXPECT_FALSE(summary.energy_j.has_value());
  EXPECT_FALSE(summary.slowed_down());
  EXPECT_EQ(nearest_reading({}, kStart), nullptr);
}

TEST(Telemetry, NearestReadingMayBeBeforeOrAfter) {
  const auto clock_at = [](int at_ms) {
    return nearest_reading(kReadings, kStart + milliseconds(at_ms))->sm_clock_mhz;
  };
  EXPECT_EQ(clock_at(-7), 1980);
  EXPECT_EQ(clock_at(24), 1755);
  EXPECT_EQ(clock_at(26), 1500);
  EXPECT_EQ(clock_at(90), 1600);
}

}  // namespace
}  // namespace flashcore
