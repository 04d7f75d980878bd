// Times by name, as services that plot benchmarks take them: of a comparison's new side, or of result files.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compare/comparison.hpp"
#include "results/result_file.hpp"

namespace flashcore {

struct Metric {
  std::string name;  // "problem/variant"
  double us = 0;     // the median
  double low_us = 0;
  double high_us = 0;  // the 95 % interval
  std::string extra;   // the timing mode, and the verdict of a comparison
};

std::vector<Metric> metrics_of(const Comparison& comparison);

// One per name: of several records it has the median of their medians, and the hull of their intervals. Records of another
// timing mode than the first one of the name are left out.
std::vector<Metric> metrics_of(std::span<const ResultFile> files);

}  // namespace flashcore
