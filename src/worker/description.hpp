// The questions about a plug-in, as JSON between describe_plugin() and serve_description().
#pragma once

#include <string_view>

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "base/words.hpp"
#include "plugin/plugin_table.hpp"

namespace flashcore {

// `describe` answers with a table; the others are functions of the plug-in.
enum class Question : int { describe, unsupported, resources };
inline constexpr std::string_view kQuestionWords[] = {"describe", "unsupported", "resources"};
constexpr Words words(Question) { return kQuestionWords; }

// Of an answer to `describe`: why the file is no plug-in.
inline constexpr std::string_view kRefusedKey = "refused";

Json to_json(const PluginTable& table);
PluginTable plugin_table_from_json(const JsonReader& reader);

// The bytes of AttentionArgs, DeviceLimits or Resources. Both processes are one program, and pointers are only compared
// with null.
template <class Struct>
Json bytes_to_json(const Struct& value);
template <class Struct>
Struct bytes_from_json(const JsonReader& reader);

}  // namespace flashcore
