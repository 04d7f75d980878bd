// The JSON type of result files: keys keep the order in which they were written.
#pragma once

#include <nlohmann/json.hpp>

namespace flashcore {

using Json = nlohmann::ordered_json;

}  // namespace flashcore
