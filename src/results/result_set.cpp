#include "results/result_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/json_document.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> json_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    std::error_code ignored;  // read_input() says what is wrong
    if (entry->path().extension() == ".json" && !entry->is_directory(ignored)) files.push_back(entry->path());
  }
  if (problem) throw UsageError(fmt::format("{}: cannot be read: {}", folder.string(), problem.message()));
  std::ranges::sort(files);
  return files;
}

// Skips other JSON files in a folder of results, for example profiles.
void read_folder(const fs::path& folder, std::vector<ResultFile>& results) {
  const std::size_t before = results.size();
  for (const fs::path& file : json_files(folder)) {
    const JsonDocument document(read_input(file, {.regular_only = true}), file.string());
    const bool holds_records = document.root().is_object() && document.root().contains("records");
    if (holds_records) results.push_back(results_from(document));
  }
  if (results.size() > before) return;
  throw UsageError(fmt::format("{}: holds no .json file with records", folder.string()));
}

}  // namespace

std::vector<ResultFile> read_result_set(std::span<const std::string> paths) {
  std::vector<ResultFile> results;
  for (const std::filesystem::path path : paths) {
    std::error_code ignored;  // read_results says what is wrong
    if (std::filesystem::is_directory(path, ignored)) {
      read_folder(path, results);
    } else {
      results.push_back(read_results(path));
    }
  }
  return results;
}

}  // namespace flashcore
