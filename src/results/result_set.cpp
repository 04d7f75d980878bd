#include "results/result_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/json_document.hpp"

namespace flashcore {
namespace {

// False for other JSON files in a folder of results, for example profiles.
bool holds_records(const std::filesystem::path& file) {
  const JsonDocument document = read_json_document(file);
  return document.root().is_object() && document.root().contains("records");
}

std::vector<std::filesystem::path> result_files(const std::filesystem::path& folder) {
  std::error_code problem;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    if (entry.path().extension() != ".json" || entry.is_directory()) continue;
    if (holds_records(entry.path())) files.push_back(entry.path());
  }
  if (problem) {
    throw UsageError(fmt::format("{}: cannot be read: {}", folder.string(), problem.message()));
  }
  if (files.empty()) throw UsageError(fmt::format("{}: holds no .json file with records", folder.string()));
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::vector<ResultFile> read_result_set(std::span<const std::string> paths) {
  std::vector<ResultFile> results;
  for (const std::filesystem::path path : paths) {
    std::error_code ignored;  // read_results says what is wrong
    if (!std::filesystem::is_directory(path, ignored)) {
      results.push_back(read_results(path));
      continue;
    }
    for (const auto& file : result_files(path)) results.push_back(read_results(file));
  }
  return results;
}

}  // namespace flashcore
