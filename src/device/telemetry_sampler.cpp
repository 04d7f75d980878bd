#include "device/telemetry_sampler.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace flashcore {
namespace {

Sensors nvml_sensors(const std::string& pci_bus_id) {
  const auto nvml = std::make_shared<NvmlDevice>(pci_bus_id);  // shared, because std::function copies
  return {.problem = nvml->problem(), .info = nvml->info(), .read = [nvml] { return nvml->read(); }};
}

Sensors steady_sensors(double sm_clock_mhz) {
  NvmlDeviceInfo info;
  info.max_sm_clock_mhz = sm_clock_mhz;
  return {.problem = {}, .info = info, .read = [sm_clock_mhz] {
            TelemetryReading reading;
            reading.time = TelemetryClock::now();
            reading.sm_clock_mhz = sm_clock_mhz;
            return reading;
          }};
}

}  // namespace

std::optional<Sensors> sensors_of(const DeviceInfo& device) {
  if (!device.pci_bus_id.empty()) return nvml_sensors(device.pci_bus_id);
  if (device.backend == Backend::cpu && device.max_sm_clock_mhz)
    return steady_sensors(*device.max_sm_clock_mhz);
  return std::nullopt;
}

TelemetrySampler::TelemetrySampler(const std::string& pci_bus_id, std::chrono::milliseconds period)
    : TelemetrySampler(nvml_sensors(pci_bus_id), period) {}

TelemetrySampler::TelemetrySampler(Sensors sensors, std::chrono::milliseconds period)
    : sensors_(std::move(sensors)) {
  if (!problem().empty()) return;
  take_reading();
  thread_ = std::thread([this, period] { run(period); });
}

TelemetrySampler::~TelemetrySampler() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TelemetrySampler::run(std::chrono::milliseconds period) {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period, [this] { return stop_; })) readings_.push_back(sensors_.read());
}

void TelemetrySampler::take_reading() {
  if (!problem().empty()) return;
  const std::lock_guard lock(mutex_);
  readings_.push_back(sensors_.read());
}

void TelemetrySampler::begin() {
  take_reading();
  begin_ = TelemetryClock::now();
}

TelemetrySummary TelemetrySampler::end() {
  const TimeSpan span = {.begin = begin_, .end = TelemetryClock::now()};
  return summary({&span, 1});
}

TelemetrySummary TelemetrySampler::summary(std::span<const TimeSpan> spans) {
  take_reading();  // energy at the end of the last span needs a reading after it
  const std::lock_guard lock(mutex_);
  return summarise(readings_, spans);
}

TelemetrySummary TelemetrySampler::within(const TimeSpan& span) const {
  const std::lock_guard lock(mutex_);
  return summarise(readings_, {&span, 1});
}

std::optional<TelemetryReading> TelemetrySampler::at(TelemetryClock::time_point time) const {
  const std::lock_guard lock(mutex_);
  const TelemetryReading* nearest = nearest_reading(readings_, time);
  return nearest == nullptr ? std::nullopt : std::optional(*nearest);
}

void TelemetrySampler::discard_before(TelemetryClock::time_point time) {
  const std::lock_guard lock(mutex_);
  // Keeps the last reading before `time`: interpolation of energy needs it.
  const auto keep = std::find_if(readings_.begin(), readings_.end(),
                                 [&](const TelemetryReading& reading) { return reading.time >= time; });
  if (keep != readings_.begin()) readings_.erase(readings_.begin(), std::prev(keep));
}

}  // namespace flashcore
