#include "record/telemetry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace flashcore {
namespace {

struct ReasonName {
  std::uint64_t bit;
  std::string_view name;
};

constexpr ReasonName kReasonNames[] = {
    {kGpuIdle, "gpu_idle"},
    {kApplicationsClocksSetting, "applications_clocks_setting"},
    {kSwPowerCap, "sw_power_cap"},
    {kHwSlowdown, "hw_slowdown"},
    {kSyncBoost, "sync_boost"},
    {kSwThermalSlowdown, "sw_thermal_slowdown"},
    {kHwThermalSlowdown, "hw_thermal_slowdown"},
    {kHwPowerBrakeSlowdown, "hw_power_brake_slowdown"},
    {kDisplayClockSetting, "display_clock_setting"},
};

using Readings = std::span<const TelemetryReading>;
using Field = std::optional<double> TelemetryReading::*;

// The first reading at or after a time.
Readings::iterator first_from(Readings readings, TelemetryClock::time_point time) {
  return std::lower_bound(
      readings.begin(), readings.end(), time,
      [](const TelemetryReading& reading, TelemetryClock::time_point at) { return reading.time < at; });
}

std::vector<double> values_of(const std::vector<const TelemetryReading*>& readings, Field field) {
  std::vector<double> values;
  for (const TelemetryReading* reading : readings) {
    if (const std::optional<double>& value = reading->*field) values.push_back(*value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

double median_of_sorted(const std::vector<double>& values) {
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// True for a reading that came just after an update of the energy counter, and for the first one.
bool is_update(Readings readings, Readings::iterator reading) {
  return reading == readings.begin() || std::prev(reading)->energy_j != reading->energy_j;
}

// The energy counter at a time, interpolated linearly between its updates before and after it: it stands still between
// them, while the device draws power all the time. Without a later update, it stands still from the latest one on.
std::optional<double> energy_at(Readings readings, TelemetryClock::time_point time) {
  auto after = first_from(readings, time);
  if (after == readings.end() || !after->energy_j) return std::nullopt;
  if (after == readings.begin()) return after->time == time ? after->energy_j : std::nullopt;
  auto before = std::prev(after);
  while (!is_update(readings, before)) --before;
  while (!is_update(readings, after) && std::next(after) != readings.end()) ++after;
  if (!before->energy_j || !after->energy_j) return std::nullopt;
  const double fraction = std::chrono::duration<double>(time - before->time) / (after->time - before->time);
  return *before->energy_j + fraction * (*after->energy_j - *before->energy_j);
}

// A counter falls when the driver is loaded again.
bool falls(Readings readings, const TimeSpan& span) {
  const auto last = first_from(readings, span.end);
  for (auto reading = first_from(readings, span.begin); reading != readings.end(); ++reading) {
    if (reading != readings.begin() && reading->energy_j < std::prev(reading)->energy_j) return true;
    if (reading == last) break;
  }
  return false;
}

std::optional<double> energy_of(Readings readings, std::span<const TimeSpan> spans) {
  double total = 0;
  for (const TimeSpan& span : spans) {
    const std::optional<double> begin = energy_at(readings, span.begin);
    const std::optional<double> end = energy_at(readings, span.end);
    if (!begin || !end || falls(readings, span)) return std::nullopt;
    total += *end - *begin;
  }
  return total;
}

}  // namespace

std::vector<std::string> throttle_reason_names(std::uint64_t reasons) {
  std::vector<std::string> names;
  for (const ReasonName& reason : kReasonNames) {
    if ((reasons & reason.bit) != 0) names.emplace_back(reason.name);
    reasons &= ~reason.bit;
  }
  for (; reasons != 0; reasons &= reasons - 1) {
    names.push_back(fmt::format("{:#x}", reasons & (~reasons + 1)));
  }
  return names;
}

const TelemetryReading* nearest_reading(Readings readings, TelemetryClock::time_point time) {
  if (readings.empty()) return nullptr;
  const auto after = first_from(readings, time);
  if (after == readings.begin()) return &*after;
  if (after == readings.end()) return &readings.back();
  const auto before = std::prev(after);
  return time - before->time <= after->time - time ? &*before : &*after;
}

TelemetrySummary summarise(Readings readings, std::span<const TimeSpan> spans) {
  TelemetrySummary summary;
  std::vector<const TelemetryReading*> seen;
  for (const TimeSpan& span : spans) {
    auto reading = first_from(readings, span.begin);
    if (reading == readings.end() || reading->time > span.end) {
      const TelemetryReading* nearest = nearest_reading(readings, span.begin + (span.end - span.begin) / 2);
      if (nearest != nullptr) seen.push_back(nearest);
      continue;
    }
    for (; reading != readings.end() && reading->time <= span.end; ++reading) {
      seen.push_back(&*reading);
      ++summary.readings;
    }
  }

  if (const auto clocks = values_of(seen, &TelemetryReading::sm_clock_mhz); !clocks.empty()) {
    summary.sm_clock_mhz = {.min = clocks.front(), .median = median_of_sorted(clocks), .max = clocks.back()};
  }
  if (const auto clocks = values_of(seen, &TelemetryReading::mem_clock_mhz); !clocks.empty()) {
    summary.mem_clock_mhz = median_of_sorted(clocks);
  }
  if (const auto power = values_of(seen, &TelemetryReading::power_w); !power.empty()) {
    summary.power_w_mean =
        std::accumulate(power.begin(), power.end(), 0.0) / static_cast<double>(power.size());
    summary.power_w_max = power.back();
  }
  if (const auto degrees = values_of(seen, &TelemetryReading::temperature_c); !degrees.empty()) {
    summary.temperature_c_max = degrees.back();
  }
  for (const TelemetryReading* reading : seen) {
    summary.throttle_reasons |= reading->throttle_reasons.value_or(0);
  }
  if (!seen.empty()) summary.energy_j = energy_of(readings, spans);
  return summary;
}

}  // namespace flashcore
