// Reads a device's telemetry in a background thread while variants are timed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "device/device_info.hpp"
#include "device/nvml.hpp"
#include "record/telemetry.hpp"

namespace flashcore {

// Where readings come from.
struct Sensors {
  std::string problem;  // why there are no readings; empty if there are
  NvmlDeviceInfo info;
  std::function<TelemetryReading()> read;
};

// NVML's sensors of a CUDA device, or those of a played card (device/played_card.hpp). Nothing for other devices.
std::optional<Sensors> sensors_of(const DeviceInfo& device);

// Why the energy of the device cannot be read; empty if it can.
std::string why_no_energy(const DeviceInfo& device);

class TelemetrySampler {
 public:
  static constexpr std::chrono::milliseconds kPeriod{10};

  // Starts a thread that reads once per `period`; NVML updates most values every 10 to 100 ms.
  explicit TelemetrySampler(Sensors sensors, std::chrono::milliseconds period = kPeriod);
  // The sensors of NVML. Without NVML there are no readings, and problem() returns the reason.
  explicit TelemetrySampler(const std::string& pci_bus_id, std::chrono::milliseconds period = kPeriod);
  ~TelemetrySampler();
  TelemetrySampler(const TelemetrySampler&) = delete;
  TelemetrySampler& operator=(const TelemetrySampler&) = delete;

  const std::string& problem() const { return sensors_.problem; }
  const NvmlDeviceInfo& info() const { return sensors_.info; }

  // end() summarises the time since begin(), or since construction if begin() was not called. Both take a
  // reading.
  void begin();
  TelemetrySummary end();

  // Summarises several spans, for example those of one variant in interleaved rounds.
  TelemetrySummary summary(std::span<const TimeSpan> spans);

  // Summarises one span from the readings that there are.
  TelemetrySummary within(const TimeSpan& span) const;

  // The reading nearest to a time; nothing if there are no readings.
  std::optional<TelemetryReading> at(TelemetryClock::time_point time) const;

  // Deletes the readings that are no longer needed for times from `time` on.
  void discard_before(TelemetryClock::time_point time);

 private:
  void run(std::chrono::milliseconds period);
  void take_reading();

  Sensors sensors_;
  mutable std::mutex mutex_;  // guards sensors_.read and the members below
  std::condition_variable wake_;
  std::vector<TelemetryReading> readings_;
  TelemetryClock::time_point begin_ = TelemetryClock::now();
  bool stop_ = false;
  std::thread thread_;  // declared last, because it uses the other members
};

}  // namespace flashcore
