#include "compare/within_run.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "compare/resample.hpp"
#include "compare/row_statistics.hpp"

namespace flashcore {
namespace {

constexpr double kOutside = 0.025;  // on each side of the interval

}  // namespace

Ratio ratio_within_run(const Record& base, const Record& next) {
  if (base.direct_calls.empty() != next.direct_calls.empty()) {
    throw UsageError(
        fmt::format("{} and {} were not timed in the same way: one replays a graph, the other is called",
                    base.variant_id(), next.variant_id()));
  }
  const MatchedRow row{.base = {{0, {&base}}}, .next = {{0, {&next}}}};
  const RowState state = row_state(row, {});
  if (!state.statistics) {
    throw UsageError(
        fmt::format("{} and {} were not timed in the same mode", base.variant_id(), next.variant_id()));
  }
  const RowStatistics& found = *state.statistics;
  const double half =
      normal_quantile_above(kOutside) * std::sqrt(found.row_variance(default_noise(base.backend)));
  return {.value = std::exp(found.log_ratio),
          .low = std::exp(found.log_ratio - half),
          .high = std::exp(found.log_ratio + half)};
}

}  // namespace flashcore
