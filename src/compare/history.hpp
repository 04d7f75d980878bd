// Results over time: the trend of each row, and the steps at which it changed.
//
// Steps are found by binary segmentation (Vostrikova, Soviet Mathematics Doklady 24, 1981). A cut divides a
// series into two parts. The best cut is the cut at which the means of the parts differ by the most standard
// errors. It is a step if the means differ by more than the tolerance, and significantly: kStepLevel is the
// probability that a history without any step shows one (Bonferroni over cuts and rows). Both parts are then
// searched in turn. The standard error of a point is the noise between runs (compare/rule.hpp), or the
// scatter of the differences of neighbours if that is larger.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compare/policy.hpp"
#include "results/result_file.hpp"

namespace flashcore {

inline constexpr double kStepLevel = 0.05;
inline constexpr std::size_t kMinDifferences = 8;  // of neighbours; with fewer, their scatter does not count

struct HistoryPoint {
  std::string time;    // the environment's, ISO 8601
  std::string commit;  // empty if unknown
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
  std::vector<RowHistory> rows;  // in the order of the oldest result, then rows that later results add
};

// Uses the timing mode, tolerances and noise of the policy. `files` are in any order, and not empty.
History make_history(std::vector<ResultFile> files, const ComparePolicy& policy);

}  // namespace flashcore
