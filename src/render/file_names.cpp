#include "render/file_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>

namespace flashcore {
namespace {

// The last `count` parts of the path, or all that it has.
std::string last_parts(const std::filesystem::path& path, std::ptrdiff_t count) {
  const std::filesystem::path parts = path.relative_path();
  const std::ptrdiff_t all = std::distance(parts.begin(), parts.end());
  std::filesystem::path end;
  for (auto part = std::next(parts.begin(), std::max<std::ptrdiff_t>(0, all - count)); part != parts.end();
       ++part) {
    end /= *part;
  }
  return end.string();
}

}  // namespace

std::vector<std::string> short_names(std::span<const std::string> paths) {
  std::vector<std::filesystem::path> whole;
  std::size_t most_parts = 1;
  for (const std::string& path : paths) {
    whole.push_back(std::filesystem::path(path).lexically_normal());
    most_parts = std::max<std::size_t>(most_parts, std::distance(whole.back().begin(), whole.back().end()));
  }
  std::vector<std::string> names(paths.size());
  for (std::size_t count = 1; count <= most_parts; ++count) {
    std::map<std::string, std::size_t> paths_of;
    for (const auto& path : whole) ++paths_of[last_parts(path, static_cast<std::ptrdiff_t>(count))];
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string name = last_parts(whole[i], static_cast<std::ptrdiff_t>(count));
      if (names[i].empty() && (paths_of[name] == 1 || count == most_parts)) names[i] = name;
    }
  }
  std::map<std::string, int> seen;
  for (std::string& name : names) {
    if (const int turn = ++seen[name]; turn > 1) name += fmt::format(" ({})", turn);
  }
  return names;
}

}  // namespace flashcore
