// Reads a device's telemetry in a background thread while something else is being timed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "device/nvml.hpp"
#include "record/telemetry.hpp"

namespace flashcore {

class TelemetrySampler {
 public:
  // Starts to read every `period` (NVML itself refreshes most values every 10 to 100 ms). Where NVML is
  // missing nothing is read, and problem() says why.
  explicit TelemetrySampler(const std::string& pci_bus_id,
                            std::chrono::milliseconds period = std::chrono::milliseconds(10));
  ~TelemetrySampler();
  TelemetrySampler(const TelemetrySampler&) = delete;
  TelemetrySampler& operator=(const TelemetrySampler&) = delete;

  const std::string& problem() const { return device_.problem(); }
  const NvmlDeviceInfo& info() const { return device_.info(); }

  // What happened between begin() and end(), both of which take a reading of their own. end() without
  // begin() looks back to the start of the sampler.
  void begin();
  TelemetrySummary end();

  // What happened during the spans, of one variant for example that was measured in turns with others.
  TelemetrySummary summary(std::span<const TimeSpan> spans);

  // The reading nearest to a moment, such as a sample's; nothing when there are none.
  std::optional<TelemetryReading> at(TelemetryClock::time_point time) const;

  // Readings before a moment are no longer needed.
  void discard_before(TelemetryClock::time_point time);

 private:
  void run(std::chrono::milliseconds period);
  void take_reading();

  NvmlDevice device_;
  mutable std::mutex mutex_;  // guards what follows, and the use of device_
  std::condition_variable wake_;
  std::vector<TelemetryReading> readings_;
  TelemetryClock::time_point begin_ = TelemetryClock::now();
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace flashcore
