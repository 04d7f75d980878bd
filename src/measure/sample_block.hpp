// Consecutive samples of one variant. All timing uses these functions.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "execute/executor.hpp"
#include "measure/policy.hpp"
#include "record/telemetry.hpp"

namespace flashcore {

// A sample that is not a positive number.
struct BadTimeError : EnvironmentError {
  using EnvironmentError::EnvironmentError;
};

struct SampleBlock {
  std::vector<double> us;       // per launch, in the order in which they were taken
  std::vector<TimeSpan> spans;  // when each was taken
  std::int64_t launches = 0;    // of all samples together
  double sampled_s = 0;         // the duration of all launches, by the clock of the samples
  double request_s = 0;  // the same by the clock of another process (Sample::request_us); 0: there is none
  int voided = 0;        // further samples, not counted above, during which something was compiled
};

// Takes `count` samples. Burst pacing rests after each sample for kBurstRest times its duration. A sample during which
// something was compiled is taken again.
// Throws EnvironmentError when a launch fails or something is compiled during each of kMaxVoided samples in a row,
// BadTimeError when a sample is not a positive number.
SampleBlock sample_block(Executor& executor, const Variant& variant, TimingMode mode, int count,
                         Pacing pacing = Pacing::sustained);

// A sample whose output is checked. The block is empty if the check does not pass, if something was compiled, or if the
// executor does not return the sample. Its request_s is 0, because the request does more than take a sample.
struct CheckedBlock {
  Check check;
  SampleBlock block;
};
CheckedBlock checked_block(Executor& executor, const Variant& variant, TimingMode mode,
                           const CheckPolicy& policy, Pacing pacing = Pacing::sustained);

inline constexpr int kMaxVoided = 8;
inline constexpr double kBurstRest = 9;  // a duty cycle of 10 %: far below any power limit

}  // namespace flashcore
