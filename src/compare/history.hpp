// Results over time: the trend of each row, and the steps at which it changed.
//
// Steps are found by binary segmentation (Vostrikova, Soviet Mathematics Doklady 24, 1981). Of all cuts of a series in
// two, the best is the one whose halves' means are most standard errors apart. It is a step if the means differ by more
// than the tolerance, and significantly: kStepLevel is the probability that a history without any step shows one
// (Bonferroni over cuts and rows). Both halves are then searched in turn. A point's standard error is the noise between
// runs (compare/rule.hpp), or the scatter of the differences of neighbours if that is larger.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compare/policy.hpp"
#include "results/result_file.hpp"

namespace flashcore {

inline constexpr double kStepLevel = 0.05;
inline constexpr std::size_t kMinDifferences = 8;  // of neighbours, for their scatter to count

struct HistoryPoint {
  std::string time;    // the environment's, ISO 8601
  std::string commit;  // empty when it is not known
  double us = 0;
};

struct HistoryStep {
  std::size_t place = 0;  // the first point after it
  double ratio = 1;       // mean after it / mean before it, up to the neighbouring steps
};

struct RowHistory {
  std::string problem;
  std::string variant;
  std::vector<HistoryPoint> points;  // in order of time
  std::vector<HistoryStep> steps;
};

struct History {
  std::string device;            // of the newest result; results of other devices are left out
  std::size_t left_out = 0;      // files
  std::vector<RowHistory> rows;  // as the newest result has them, then those it lacks
};

// The policy's clock, tolerances and noise count. Files in any order.
History make_history(std::vector<ResultFile> files, const ComparePolicy& policy);

}  // namespace flashcore
