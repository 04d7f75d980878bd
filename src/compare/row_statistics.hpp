// The times of a row on both sides as numbers, before a verdict.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "compare/match.hpp"
#include "compare/noise.hpp"
#include "compare/policy.hpp"

namespace flashcore {

struct RowStatistics {
  NoiseClass noise_class = NoiseClass::small;
  bool at_limit = false;  // power or temperature reduced the clocks of a side
  RepeatedRow base;
  RepeatedRow next;
  double log_ratio = 0;
  double sampling_variance = 0;  // of log_ratio
  double run_factor = 2;         // 1/k_base + 1/k_new over the numbers of runs
  std::size_t min_samples = 0;   // in a run
  bool same_samples = false;     // both sides are the same measurement

  // Variances of log_ratio. row_variance() has sampling and row noise: the noise of the class, of the host, or of
  // the row's own repeats, whichever is the largest. common_variance() has common noise.
  double row_variance(const NoiseModel& noise) const;
  double common_variance(const NoiseModel& noise) const;
  double host_noise() const { return std::max(base.host_noise, next.host_noise); }
};

// A row of one side over its runs, and one of its records.
struct SideRow {
  const Record* record;
  RepeatedRow row;
};

// The rows of one side. Each row leaves out the runs that did not time it. The result points into `runs`.
std::vector<SideRow> side_rows(const Runs& runs, const ComparePolicy& policy);

// Statistics, or the verdict that follows from the statuses. Neither: the row is left out.
struct RowState {
  std::optional<RowStatistics> statistics;
  std::optional<Verdict> verdict;
  std::string note;
  std::optional<TimingMode> mode;
};

RowState row_state(const MatchedRow& row, const ComparePolicy& policy);

}  // namespace flashcore
