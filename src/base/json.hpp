// The JSON type of result files: keys keep the order in which they were written.
#pragma once

#include <nlohmann/json.hpp>

namespace flashcore {

using Json = nlohmann::ordered_json;

// The version of the record's form. It grows when a field changes its meaning or goes away; a new field
// alone does not raise it, readers skip what they do not know.
inline constexpr int kSchemaVersion = 1;

}  // namespace flashcore
