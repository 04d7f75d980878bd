#include "config/plugins.hpp"

#include <filesystem>

namespace flashcore {

std::vector<ConfigPlugin> config_plugins(const JsonDocument& config) {
  std::vector<ConfigPlugin> plugins;
  const JsonReader root(config);
  if (!root.has("plugins")) return plugins;
  const std::filesystem::path folder = std::filesystem::path(config.name()).parent_path();
  for (const JsonReader& plugin : root["plugins"].zero_or_more()) {
    const std::string path = plugin.line();
    if (path.empty()) plugin.fail("must be the path of a shared object");
    plugins.push_back({(folder / path).string(), plugin.where()});
  }
  return plugins;
}

}  // namespace flashcore
