// A scripted executor on a device with an energy counter, which reads it after each sample: joules per call are then those
// of the script, whatever the machine is doing.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "device/telemetry_sampler.hpp"
#include "unit/support/fake_executor.hpp"

namespace flashcore::testing {

class MeteredExecutor : public FakeExecutor {
 public:
  // Variants without joules of their own take 1 J per call.
  void set_joules(const std::string& variant_id, double joules) { joules_[variant_id] = joules; }
  // Changes what the counter shows, for example to one that is reset.
  void set_counter(std::function<double(double joules)> shown) { shown_ = std::move(shown); }
  void scale_joules(double factor) { factor_ = factor; }

  TelemetrySampler& telemetry() { return sampler_; }

  Sample sample(const Variant& variant, TimingMode mode) override {
    const Sample taken = FakeExecutor::sample(variant, mode);
    const auto found = joules_.find(variant.id());
    counter_j_ += factor_ * taken.launches * (found == joules_.end() ? 1 : found->second);
    sampler_.begin();
    return taken;
  }

 private:
  Sensors sensors() {
    return {.problem = {}, .info = {}, .read = [this] {
              TelemetryReading reading;
              reading.time = TelemetryClock::now();
              reading.energy_j = shown_(counter_j_);
              return reading;
            }};
  }

  std::map<std::string, double> joules_;
  std::function<double(double)> shown_ = [](double joules) { return joules; };
  double factor_ = 1;
  double counter_j_ = 1000;
  TelemetrySampler sampler_{sensors(), std::chrono::hours(1)};  // its own thread reads nothing
};

}  // namespace flashcore::testing
