#include "device/telemetry_sampler.hpp"

#include <algorithm>

namespace flashcore {

TelemetrySampler::TelemetrySampler(const std::string& pci_bus_id, std::chrono::milliseconds period)
    : device_(pci_bus_id) {
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
  while (!wake_.wait_for(lock, period, [this] { return stop_; })) readings_.push_back(device_.read());
}

void TelemetrySampler::take_reading() {
  if (!problem().empty()) return;
  const std::lock_guard lock(mutex_);
  readings_.push_back(device_.read());
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
