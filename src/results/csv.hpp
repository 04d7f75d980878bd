// Records as CSV, by RFC 4180 (CRLF line ends, quotes doubled).
//
// One row per record. A column's name is the path of a field in the JSON record, with dots ("timing.hot_us.median") and
// positions in lists ("timing.hot_us.ci95.0", "check.worst_index.3"). All files have the same columns; the cell of an
// absent field is empty. Samples and their clocks are left out. Throttle reasons share a cell, separated by spaces.
#pragma once

#include <string>

#include "record/record.hpp"

namespace flashcore {

// Each with its line end.
std::string csv_header();
std::string csv_row(const Record& record);

}  // namespace flashcore
