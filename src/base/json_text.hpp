// JSON as text.
#pragma once

#include <string>

namespace flashcore {

// Of an nlohmann::json or ordered_json. What JSON would refuse in a string (a path or a device name in
// another encoding) is repaired rather than an exception.
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
