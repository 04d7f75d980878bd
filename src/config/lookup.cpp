#include "config/lookup.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <set>

#include "base/error.hpp"
#include "base/names.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

fs::path binary_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : self.parent_path();
}

bool is_readable_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return !error && fs::exists(status) && !fs::is_directory(status);
}

// What is found by its name: the folder in each search place, and words for errors.
struct Shipped {
  std::string_view folder;
  std::string_view flag;
  std::string_view word;
};
constexpr Shipped kConfigs = {"", "--config", "config"};
constexpr Shipped kModels = {"models", "--model", "model"};

// Names of models have dots: only .json is an extension.
std::string without_json(const fs::path& path) {
  return path.extension() == ".json" ? path.stem().string() : path.filename().string();
}

std::vector<std::string> shipped(const Shipped& kind) {
  std::set<std::string> names;
  for (const SearchPlace& place : config_search_places()) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(place.folder / kind.folder, error)) {
      if (entry.path().extension() == ".json") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

JsonDocument load(const Shipped& kind, std::string_view name) {
  const fs::path path(name);
  const bool bare = !path.has_parent_path() && !path.empty();
  std::error_code error;
  // A folder with the name of a shipped file does not hide the file.
  if (bare ? is_readable_file(path) : fs::exists(path, error)) return read_json_document(path);
  if (bare) {
    const fs::path file = path.extension() == ".json" ? path : fs::path(path.string() + ".json");
    for (const SearchPlace& place : config_search_places()) {
      const fs::path found = place.folder / kind.folder / file;
      if (is_readable_file(found)) return read_json_document(found);
    }
  }
  const std::vector<std::string> all = shipped(kind);
  const std::vector<std::string_view> names(all.begin(), all.end());
  const std::string_view nearest = nearest_word(without_json(path), names);
  throw UsageError(fmt::format("{0}: {1} is neither a file nor a shipped {2}{3}; shipped {2}s: {4}",
                               kind.flag, name, kind.word,
                               nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest),
                               all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", "))));
}

}  // namespace

std::vector<SearchPlace> config_search_places() {
  std::vector<SearchPlace> places;
  const auto add = [&](const fs::path& folder, std::string_view reason) {
    std::error_code error;
    places.push_back({folder.lexically_normal(), std::string(reason), fs::is_directory(folder, error)});
  };
  if (const char* folder = std::getenv("FLASHCORE_CONFIG_DIR"); folder != nullptr && *folder != '\0') {
    add(folder, "FLASHCORE_CONFIG_DIR");
  }
  const fs::path folder = binary_folder();
  if (!folder.empty()) add(folder / FLASHCORE_DATA_FROM_BIN / "flashcore" / "configs", "installation");
  add(FLASHCORE_SOURCE_CONFIG_DIR, "source tree");
  if (!folder.empty()) add(folder / "configs", "beside the program");
  return places;
}

std::vector<std::string> shipped_configs() { return shipped(kConfigs); }
std::vector<std::string> shipped_models() { return shipped(kModels); }

JsonDocument load_config(std::string_view name) {
  return name == "-" ? read_json_document("-") : load(kConfigs, name);
}
JsonDocument load_model_document(std::string_view name) { return load(kModels, name); }

std::string config_stem(std::string_view name) {
  return name == "-" ? "stdin" : fs::path(name).stem().string();
}
std::string model_stem(std::string_view name) { return without_json(name); }

}  // namespace flashcore
