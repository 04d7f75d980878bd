#include "device/telemetry_sampler.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "device/played_card.hpp"

namespace flashcore {
namespace {

Sensors nvml_sensors(const std::string& pci_bus_id) {
  const auto nvml = std::make_shared<NvmlDevice>(pci_bus_id);  // shared, because std::function copies
  return {.problem = nvml->problem(), .info = nvml->info(), .read = [nvml] { return nvml->read(); }};
}

// Like NVML's counters.
constexpr std::chrono::milliseconds kPlayedUpdate{50};

Sensors played_sensors(const PlayedCard& card) {
  NvmlDeviceInfo info;
  info.max_sm_clock_mhz = card.sm_clock_mhz;
  return {.problem = {}, .info = info, .read = [card] {
            TelemetryReading reading;
            reading.time = TelemetryClock::now();
            reading.sm_clock_mhz = card.sm_clock_mhz;
            if (card.power_w) {
              const auto updates = reading.time.time_since_epoch() / kPlayedUpdate;
              reading.energy_j =
                  *card.power_w * std::chrono::duration<double>(updates * kPlayedUpdate).count();
            }
            return reading;
          }};
}

}  // namespace

std::optional<Sensors> sensors_of(const DeviceInfo& device) {
  if (!device.pci_bus_id.empty()) return nvml_sensors(device.pci_bus_id);
  if (device.backend == Backend::cpu && device.max_sm_clock_mhz) {
    if (const auto card = played_card()) return played_sensors(*card);
  }
  return std::nullopt;
}

std::string why_no_energy(const DeviceInfo& device) {
  const std::optional<Sensors> sensors = sensors_of(device);
  if (!sensors) return "it has no energy counter";
  if (!sensors->problem.empty()) return sensors->problem;
  return sensors->read().energy_j ? "" : "it does not report its energy";
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
