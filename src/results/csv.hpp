// Records as CSV, by RFC 4180 (CRLF line ends, quotes doubled).
//
// One row a record. A column is the path of a field of the JSON record with dots ("timing.hot_us.median"),
// list entries by their position ("timing.hot_us.ci95.0", "check.worst_index.3"). The columns are the same in
// every file; an absent field is an empty cell; samples and their clocks are left out. Throttle reasons share
// a cell, separated by spaces.
#pragma once

#include <string>

#include "record/record.hpp"

namespace flashcore {

// Each with its line end.
std::string csv_header();
std::string csv_row(const Record& record);

}  // namespace flashcore
