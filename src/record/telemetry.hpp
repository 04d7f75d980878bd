// Telemetry of a device: clocks, power, energy, temperature and throttle reasons. Plain values;
// device/telemetry_sampler.hpp takes the readings.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// Reasons why clocks are below their maximum, as bits of NVML (NVML API reference, nvmlClocksEventReasons;
// called throttle reasons before driver 535).
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

// The reasons that slow running work down. The others are idleness or a chosen clock setting.
inline constexpr std::uint64_t kSlowdownReasons =
    kSwPowerCap | kHwSlowdown | kSwThermalSlowdown | kHwThermalSlowdown | kHwPowerBrakeSlowdown;

// "sw_power_cap", "hw_thermal_slowdown", … in the order of the bits; "0x200" for an unknown bit.
std::vector<std::string> throttle_reason_names(std::uint64_t reasons);

using TelemetryClock = std::chrono::steady_clock;

// One reading of the device's sensors. A value that the device or its driver does not report is absent.
struct TelemetryReading {
  TelemetryClock::time_point time;
  std::optional<double> sm_clock_mhz;
  std::optional<double> mem_clock_mhz;
  std::optional<double> power_w;          // instantaneous; averaged if the driver has only averages
  std::optional<double> power_average_w;  // over the last second
  std::optional<double> temperature_c;
  std::optional<double> energy_j;  // counter since the driver was loaded
  std::optional<std::uint64_t> throttle_reasons;
};

// An interval of time; both ends are included.
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
  std::int64_t readings = 0;  // number of readings inside the spans
  std::optional<ClockRange> sm_clock_mhz;
  std::optional<double> mem_clock_mhz;  // median
  std::optional<double> power_w_mean;
  std::optional<double> power_w_max;
  std::optional<double> temperature_c_max;
  std::optional<double> energy_j;      // sum over all spans
  std::uint64_t throttle_reasons = 0;  // union of all readings

  int company = 0;  // other records that took turns with this one; they share its power and temperature
  bool slowed_down() const { return (throttle_reasons & kSlowdownReasons) != 0; }
};

// Summarises the readings inside the spans. `readings` must be in order of time. A span without a reading
// uses the nearest one. Energy is interpolated at both ends of each span, between the updates of its counter; it is absent
// unless readings surround every span, and if the counter falls within one.
TelemetrySummary summarise(std::span<const TelemetryReading> readings, std::span<const TimeSpan> spans);

// The reading nearest in time, or null if there are none.
const TelemetryReading* nearest_reading(std::span<const TelemetryReading> readings,
                                        TelemetryClock::time_point time);

}  // namespace flashcore
