// What a device did while it was being timed: clocks, power, temperature, and what held its clocks down.
// Values only; device/telemetry_sampler.hpp takes the readings.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// Why clocks are not at their maximum, as the bits that NVML reports (NVML API reference,
// nvmlClocksEventReasons; called throttle reasons before driver 535).
enum ThrottleReason : std::uint64_t {
  kGpuIdle = 0x1,
  kApplicationsClocksSetting = 0x2,
  kSwPowerCap = 0x4,
  kHwSlowdown = 0x8,
  kSyncBoost = 0x10,
  kSwThermalSlowdown = 0x20,
  kHwThermalSlowdown = 0x40,
  kHwPowerBrakeSlowdown = 0x80,
  kDisplayClockSetting = 0x100,
};

// Those that slow running work down. The others are idleness or somebody's choice of clocks.
inline constexpr std::uint64_t kSlowdownReasons =
    kSwPowerCap | kHwSlowdown | kSwThermalSlowdown | kHwThermalSlowdown | kHwPowerBrakeSlowdown;

// "sw_power_cap", "hw_thermal_slowdown", ... in the order of the bits; an unknown bit as "0x200".
std::vector<std::string> throttle_reason_names(std::uint64_t reasons);

using TelemetryClock = std::chrono::steady_clock;

// One look at the device. What the device or its driver does not report is absent.
struct TelemetryReading {
  TelemetryClock::time_point time;
  std::optional<double> sm_clock_mhz;
  std::optional<double> mem_clock_mhz;
  std::optional<double> power_w;          // of the moment; averaged where the driver has nothing finer
  std::optional<double> power_average_w;  // over the last second
  std::optional<double> temperature_c;
  std::optional<double> energy_j;  // a counter since the driver was loaded
  std::optional<std::uint64_t> throttle_reasons;
};

// A stretch of time, both ends included.
struct TimeSpan {
  TelemetryClock::time_point begin;
  TelemetryClock::time_point end;
};

struct ClockRange {
  double min = 0;
  double median = 0;
  double max = 0;
};

struct TelemetrySummary {
  std::int64_t readings = 0;  // that fell into the spans
  std::optional<ClockRange> sm_clock_mhz;
  std::optional<double> mem_clock_mhz;  // median
  std::optional<double> power_w_mean;
  std::optional<double> power_w_max;
  std::optional<double> temperature_c_max;
  std::optional<double> energy_j;      // over all spans together
  std::uint64_t throttle_reasons = 0;  // union of all readings

  bool slowed_down() const { return (throttle_reasons & kSlowdownReasons) != 0; }
};

// What happened during the spans. `readings` are in order of time. A span too short to have met a reading is
// described by the reading nearest to it. Energy is interpolated between the readings around a span's ends,
// and absent when the readings do not reach around every span.
TelemetrySummary summarise(std::span<const TelemetryReading> readings, std::span<const TimeSpan> spans);

// The reading nearest in time, or null when there are none.
const TelemetryReading* nearest_reading(std::span<const TelemetryReading> readings,
                                        TelemetryClock::time_point time);

}  // namespace flashcore
