// Several result files, as command lines name them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/result_file.hpp"

namespace flashcore {

// Each path is a result file or a folder. A folder stands for its own .json files that have records, sorted by name.
// Throws UsageError when a file cannot be read or is no result file, and when a folder has none.
std::vector<ResultFile> read_result_set(std::span<const std::string> paths);

}  // namespace flashcore
