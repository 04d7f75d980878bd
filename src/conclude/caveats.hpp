// What makes the times of several records less certain, counted.
#pragma once

#include <cstdint>

#include "base/json.hpp"
#include "measure/policy.hpp"
#include "record/record.hpp"

namespace flashcore {

struct Caveats {
  std::int64_t timed = 0;
  std::int64_t few_samples = 0;  // the counts of shortfall()
  std::int64_t wide = 0;
  std::int64_t at_limit = 0;
  std::int64_t clocks_wandered = 0;    // timed records whose SM clock moved by more than 5 % between samples
  std::int64_t throttled = 0;          // timed records with samples taken while the device was throttled
  std::uint64_t throttle_reasons = 0;  // of these records, as ThrottleReason bits

  void add(const Record& record, const MeasurePolicy& policy);
};

// True if others keep the processor of a CPU run so busy that its times are upper bounds. `load` is the number of
// threads that want to run.
bool is_busy(double load, double cores);

}  // namespace flashcore
