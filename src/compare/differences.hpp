// Differences of the environments of two sides that can change times.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/result_file.hpp"

namespace flashcore {

// One line per difference: device, driver, runtime, clock and power limits, pacing, depths of checks, the SM
// clock that telemetry read, and the number of rows that were timed while power or temperature reduced the
// clocks. Empty if nothing differs and no clock was reduced.
std::vector<std::string> differences(std::span<const ResultFile> base, std::span<const ResultFile> next);

}  // namespace flashcore
