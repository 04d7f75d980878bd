#include "measure/sample_block.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "base/error.hpp"

namespace flashcore {
namespace {

void add(SampleBlock& block, const Sample& sample, TimeSpan span, Pacing pacing) {
  if (!std::isfinite(sample.us) || sample.us <= 0) {
    throw BadTimeError(fmt::format("a sample of {} us is no positive number", sample.us));
  }
  block.us.push_back(sample.us);
  block.spans.push_back(span);
  block.launches += sample.launches;
  block.sampled_s += 1e-6 * sample.us * sample.launches;
  block.request_s += 1e-6 * sample.request_us;
  if (pacing == Pacing::burst) {
    std::this_thread::sleep_for(
        std::chrono::duration<double, std::micro>(kBurstRest * sample.us * sample.launches));
  }
}

}  // namespace

SampleBlock sample_block(Executor& executor, const Variant& variant, TimingMode mode, int count,
                         Pacing pacing) {
  SampleBlock block;
  for (int in_a_row = 0; static_cast<int>(block.us.size()) < count;) {
    const auto begin = TelemetryClock::now();
    const Sample sample = executor.sample(variant, mode);
    if (!sample.compiled) {
      add(block, sample, {begin, TelemetryClock::now()}, pacing);
      in_a_row = 0;
      continue;
    }
    ++block.voided;
    if (++in_a_row == kMaxVoided) {
      throw EnvironmentError(fmt::format(
          "something was compiled during each of {} samples in a row, so none counts", kMaxVoided));
    }
  }
  return block;
}

CheckedBlock checked_block(Executor& executor, const Variant& variant, TimingMode mode,
                           const CheckPolicy& policy, Pacing pacing) {
  const auto begin = TelemetryClock::now();
  CheckedSample checked = executor.verify_sample(variant, mode, policy);
  CheckedBlock result{.check = std::move(checked.check), .block = {}};
  if (checked.sample && checked.sample->compiled) {
    ++result.block.voided;
  } else if (result.check.passed && checked.sample) {
    add(result.block, *checked.sample, {begin, TelemetryClock::now()}, pacing);
  }
  return result;
}

}  // namespace flashcore
