// In what the environments of two sides differ, as far as times depend on it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/result_file.hpp"

namespace flashcore {

// One line each: device, driver, runtime, clock and power limits, pacing, the SM clock that telemetry read,
// and how many rows were timed while power or temperature held the clocks down. Empty when nothing differs
// and nothing was held down.
std::vector<std::string> differences(std::span<const ResultFile> base, std::span<const ResultFile> next);

}  // namespace flashcore
