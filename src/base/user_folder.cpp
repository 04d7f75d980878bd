#include "base/user_folder.hpp"

#include <cstdlib>
#include <string>

namespace flashcore {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::filesystem::path user_data_folder(std::string_view name) {
  std::filesystem::path data = variable("XDG_DATA_HOME");
  if (data.empty()) {
    const std::string home = variable("HOME");
    if (home.empty()) return {};
    data = std::filesystem::path(home) / ".local/share";
  }
  return data / "flashcore" / name;
}

}  // namespace flashcore
