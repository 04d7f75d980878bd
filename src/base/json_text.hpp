// Serialises JSON.
#pragma once

#include <string>

namespace flashcore {

// Takes an nlohmann::json or ordered_json. Invalid UTF-8, for example in a path, is replaced; it does not
// throw.
template <class AnyJson>
std::string json_text(const AnyJson& json, int indent = -1, bool ascii = false) {
  return json.dump(indent, ' ', ascii, AnyJson::error_handler_t::replace);
}

// For files and terminals: indented, with a line end.
template <class AnyJson>
std::string indented_json(const AnyJson& json) {
  return json_text(json, 2) + "\n";
}

}  // namespace flashcore
