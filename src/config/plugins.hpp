// The plug-ins that a config names.
#pragma once

#include <string>
#include <vector>

#include "base/json_document.hpp"

namespace flashcore {

struct ConfigPlugin {
  std::string
      path;  // relative paths are from the config's folder; of standard input, from the working directory
  std::string where;  // its JSON pointer
};

// Throws UsageError with the JSON pointer of the first error.
std::vector<ConfigPlugin> config_plugins(const JsonDocument& config);

}  // namespace flashcore
