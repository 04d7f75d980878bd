// Where configs are found: a path, else a shipped config by its bare name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_document.hpp"

namespace flashcore {

struct SearchPlace {
  std::filesystem::path folder;
  std::string reason;  // "FLASHCORE_CONFIG_DIR", "source tree", …
  bool exists = false;
};

// In the order of the search.
std::vector<SearchPlace> config_search_places();

// The names of shipped configs, without .json, sorted.
std::vector<std::string> shipped_configs();

// `name` is a path, a bare name with or without .json, or "-" for standard input. Throws UsageError with the
// nearest shipped name when there is no such config.
JsonDocument load_config(std::string_view name);

// A plan's name from that of its config: "configs/l4.json" gives "l4", "-" gives "stdin".
std::string config_stem(std::string_view name);

}  // namespace flashcore
