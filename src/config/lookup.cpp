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

std::vector<std::string> shipped_configs() {
  std::set<std::string> names;
  for (const SearchPlace& place : config_search_places()) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(place.folder, error)) {
      if (entry.path().extension() == ".json") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

JsonDocument load_config(std::string_view name) {
  if (name == "-") return read_json_document("-");
  const fs::path path(name);
  const bool bare = !path.has_parent_path() && !path.empty();
  std::error_code error;
  // A folder with the name of a shipped config does not hide the config.
  if (bare ? is_readable_file(path) : fs::exists(path, error)) return read_json_document(path);
  if (bare) {
    const fs::path file = path.extension() == ".json" ? path : fs::path(path.string() + ".json");
    for (const SearchPlace& place : config_search_places()) {
      if (is_readable_file(place.folder / file)) return read_json_document(place.folder / file);
    }
  }
  const std::vector<std::string> shipped = shipped_configs();
  const std::vector<std::string_view> names(shipped.begin(), shipped.end());
  const std::string_view nearest = nearest_word(path.stem().string(), names);
  throw UsageError(fmt::format("--config: {} is neither a file nor a shipped config{}; shipped configs: {}",
                               name, nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest),
                               shipped.empty() ? "none" : fmt::format("{}", fmt::join(shipped, ", "))));
}

std::string config_stem(std::string_view name) {
  return name == "-" ? "stdin" : fs::path(name).stem().string();
}

}  // namespace flashcore
