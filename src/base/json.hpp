// The JSON type of result files. Keys stay in insertion order.
#pragma once

#include <nlohmann/json.hpp>

namespace flashcore {

using Json = nlohmann::ordered_json;

}  // namespace flashcore
