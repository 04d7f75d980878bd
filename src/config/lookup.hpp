// Finds configs: by path, or by the name of a shipped config.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_document.hpp"

namespace flashcore {

struct SearchPlace {
  std::filesystem::path folder;
  std::string reason;  // why it is searched: "FLASHCORE_CONFIG_DIR", "source tree", …
  bool exists = false;
};

// In search order.
std::vector<SearchPlace> config_search_places();

// The sorted names of shipped configs, without .json.
std::vector<std::string> shipped_configs();

// `name` is a path, the name of a shipped config with or without .json, or "-" for standard input. Throws
// UsageError with the nearest name if there is no such config.
JsonDocument load_config(std::string_view name);

// The same for model presets, which are in the folder models/ of each place.
std::vector<std::string> shipped_models();
JsonDocument load_model_document(std::string_view name);
std::string model_stem(std::string_view name);  // "phi-4" for "configs/models/phi-4.json"

// The name of the plan for a config: "l4" for "configs/l4.json", "stdin" for "-".
std::string config_stem(std::string_view name);

}  // namespace flashcore
