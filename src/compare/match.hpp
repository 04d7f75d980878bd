// Matches the records of the new side with the records of the base.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "record/record.hpp"

namespace flashcore {

// The records of one side, one list per run. Repeats of a row within a run (measure.repeats) were timed in
// one process; their samples are pooled.
using Runs = std::vector<std::vector<Record>>;

// One problem and variant on one side, by the number of the run.
using RunRecords = std::map<std::size_t, std::vector<const Record*>>;

struct MatchedRow {
  RunRecords base;
  RunRecords next;

  const Record& any() const { return *(next.empty() ? base : next).begin()->second.front(); }
};

// Matches by the variant's id and all of the problem except its name. Rows of the base come first, in its
// order, then rows that only the new side has. The result points into both sides.
std::vector<MatchedRow> match_rows(const Runs& base, const Runs& next);

}  // namespace flashcore
