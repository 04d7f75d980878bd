#include "compare/within_run.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "conclude/advantage.hpp"

namespace flashcore {
namespace {

const Timing* timing_of(const Record& record, TimingMode mode) {
  const auto& timing = record.timings[mode];
  return record.status == Status::ok && timing ? &*timing : nullptr;
}

}  // namespace

Ratio ratio_within_run(const Record& base, const Record& next) {
  if (base.direct_calls.empty() != next.direct_calls.empty()) {
    throw UsageError(
        fmt::format("{} and {} were not timed in the same way: one replays a graph, the other is called",
                    base.variant_id(), next.variant_id()));
  }
  for (const TimingMode mode : kAll<TimingMode>) {
    const Timing* from = timing_of(base, mode);
    const Timing* to = timing_of(next, mode);
    if (from == nullptr || to == nullptr) continue;
    const Advantage found = advantage(*from, *to, 0);
    return {.value = found.ratio, .low = found.low, .high = found.high};
  }
  throw UsageError(
      fmt::format("{} and {} were not timed in the same mode", base.variant_id(), next.variant_id()));
}

}  // namespace flashcore
