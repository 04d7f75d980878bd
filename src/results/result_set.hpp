// Several result files at once, as commands that read results take them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/result_file.hpp"

namespace flashcore {

// Each path is a result file or a folder; a folder stands for its .json files that hold records, sorted by
// name, without those of folders below it. Throws UsageError when a file cannot be read or is no result file,
// and when a folder has none.
std::vector<ResultFile> read_result_set(std::span<const std::string> paths);

}  // namespace flashcore
