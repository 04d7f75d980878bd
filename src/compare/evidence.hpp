// What the times of a row say, before anything is judged.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compare/match.hpp"
#include "compare/noise.hpp"
#include "compare/policy.hpp"

namespace flashcore {

struct Evidence {
  SizeClass size = SizeClass::small;
  RepeatedRow base;
  RepeatedRow next;
  double log_ratio = 0;
  double sampling_variance = 0;  // of log_ratio
  double run_factor = 2;         // 1/k_base + 1/k_new over the numbers of runs
  std::size_t fewest_samples = 0;

  // Sampling, and from run to run: as the class says, or the row's own repeats where they say more.
  double row_variance(const NoiseModel& noise) const;
  double common_variance(const NoiseModel& noise) const;
};

// A row of one side over its runs, and one of its records.
struct NamedRow {
  const Record* record;
  RepeatedRow row;
};

// Rows that some run did not time, or could not, are there with the runs that did. Points into `runs`.
std::vector<NamedRow> named_rows(const Runs& runs, const ComparePolicy& policy);

// A row's times, or the verdict that its status alone gives. Neither: the row is left out.
struct RowFindings {
  std::optional<Evidence> evidence;
  std::optional<Verdict> verdict;
  std::string note;
  std::optional<TimingMode> mode;
};

RowFindings look_at(const MatchedRow& row, const ComparePolicy& policy);

}  // namespace flashcore
