// Files by short names, for pages that others read.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace flashcore {

// Each path's last part; of paths that end alike, as many last parts as tell them apart. Equal paths get a number.
std::vector<std::string> short_names(std::span<const std::string> paths);

}  // namespace flashcore
