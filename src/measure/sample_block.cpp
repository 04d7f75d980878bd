#include "measure/sample_block.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "base/error.hpp"

namespace flashcore {

SampleBlock sample_block(Executor& executor, const Variant& variant, TimingMode mode, int count,
                         Pacing pacing) {
  SampleBlock block;
  for (int i = 0; i < count; ++i) {
    const auto begin = TelemetryClock::now();
    const Sample sample = executor.sample(variant, mode);
    block.spans.push_back({begin, TelemetryClock::now()});
    if (!std::isfinite(sample.us) || sample.us <= 0) {
      throw EnvironmentError(fmt::format("a sample of {} us is no positive number", sample.us));
    }
    block.us.push_back(sample.us);
    block.launches += sample.launches;
    block.sampled_s += 1e-6 * sample.us * sample.launches;
    block.request_s += 1e-6 * sample.request_us;
    if (pacing == Pacing::burst) {
      std::this_thread::sleep_for(
          std::chrono::duration<double, std::micro>(kBurstRest * sample.us * sample.launches));
    }
  }
  return block;
}

}  // namespace flashcore
