// Which record of the new side belongs to which of the base.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "record/record.hpp"

namespace flashcore {

// The records of one side, one list a run, which is one file. A row that stands in it several times
// (measure.repeats) was timed in one process all the same: its samples are taken together.
using Runs = std::vector<std::vector<Record>>;

// One problem and variant on one side; the key of the map is the number of the run.
using RunRecords = std::map<std::size_t, std::vector<const Record*>>;

struct MatchedRow {
  RunRecords base;
  RunRecords next;

  const Record& any() const { return *(next.empty() ? base : next).begin()->second.front(); }
};

// By the problem's sizes, mask and layout and the variant's id, not by the problem's name. Rows of the base
// first, in its order, then those that the new side alone has. Points into both sides.
std::vector<MatchedRow> match_rows(const Runs& base, const Runs& next);

}  // namespace flashcore
