// The data of a report, for the page and for programs.
#pragma once

#include "base/json.hpp"
#include "render/formats.hpp"

namespace flashcore {

// page_data(), with a "comparison" if there is one.
Json report_data(const ResultsOutput& output);

}  // namespace flashcore
