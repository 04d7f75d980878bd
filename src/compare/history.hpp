// Results over time: the trend of each row, and the steps at which it changed.
//
// Steps are found by binary segmentation (Vostrikova, Soviet Mathematics Doklady 24, 1981): of all ways to
// cut a series in two, the one whose halves' means are most standard errors apart is a step when the means
// differ by more than the tolerance, and by more standard errors than the best cut of any row without a step
// would show once in 1/kStepLevel histories (Bonferroni over cuts and rows); both halves are then searched in
// turn. A point's standard error is the noise between runs (compare/rule.hpp), or what the differences of
// neighbours show when that is more.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compare/policy.hpp"
#include "results/result_file.hpp"

namespace flashcore {

inline constexpr double kStepLevel = 0.05;
inline constexpr std::size_t kFewestDifferences = 8;  // of neighbours, for their scatter to count

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
  std::string device;            // of the newest result; results of others are left out
  std::size_t left_out = 0;      // files
  std::vector<RowHistory> rows;  // as the newest result has them, then those it lacks
};

// `policy` gives the clock, the tolerances and the noise. Files in any order.
History make_history(std::vector<ResultFile> files, const ComparePolicy& policy);

}  // namespace flashcore
