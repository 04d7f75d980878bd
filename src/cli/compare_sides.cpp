// Reading the results that compare was given.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/compare_modes.hpp"
#include "core/error.hpp"

namespace flashcore {

std::vector<ResultFile> read_side(const std::string& path, std::string_view side) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return {read_results(path)};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  if (files.empty()) throw UsageError(fmt::format("{}: {} holds no .json file", side, path));
  std::ranges::sort(files);
  std::vector<ResultFile> results;
  for (const auto& file : files) results.push_back(read_results(file));
  return results;
}

Runs runs_of(const std::vector<ResultFile>& files) {
  Runs runs;
  for (const ResultFile& file : files) runs.push_back(file.records);
  return runs;
}

}  // namespace flashcore
