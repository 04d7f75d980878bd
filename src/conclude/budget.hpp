// Which budget of measuring would have been enough, from the time that samples really took.
#pragma once

#include <optional>
#include <span>

#include "measure/policy.hpp"
#include "record/record.hpp"

namespace flashcore {

// The seconds of one problem.
struct ProblemTime {
  double share_s = 0;  // the budget of which every timing mode gets the time that it needs
  double spent_s = 0;  // what the problem takes from it
};

// What the records of one problem need until the stopping rule ends all their timings. A sample takes the time that the
// samples of the same timing took on average; `sampling_s` is what sampling took in all, warm-up and checks included.
// Records with medians near to each other leave the rounds together. Empty if the times of the samples are not known.
std::optional<ProblemTime> needed_time(std::span<const Record> records, const MeasurePolicy& policy,
                                       double sampling_s);

// The smallest budget of which every problem gets what it needs. Each problem gets an equal share of what the problems
// before it have left.
double sufficient_budget_s(std::span<const ProblemTime> problems);

// The next number of two digits: 132 becomes 140. For texts.
double with_two_digits(double seconds);

}  // namespace flashcore
