#include <optional>
#include <type_traits>
#include <variant>

#include "attention/problem_fields.hpp"
#include "base/json_fields.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

template <class T>
constexpr bool kIsText = std::is_same_v<T, Lengths> || std::is_same_v<T, KvCache>;

std::optional<Lengths> parsed(const std::string& text, std::string& error, const Lengths&) {
  return parse_lengths(text, error);
}
std::optional<KvCache> parsed(const std::string& text, std::string& error, const KvCache&) {
  return parse_kv_cache(text, error);
}

template <class T>
T decode_member(const JsonReader& reader) {
  if constexpr (kIsText<T>) {
    std::string error;
    if (const std::optional<T> value = parsed(reader.string(), error, T{})) return *value;
    reader.fail(error);
  } else {
    return decode<T>(reader);
  }
}

// A member's value as JSON has it; null for an absent one.
Json value_to_json(const ProblemField& field, const Problem& problem) {
  return std::visit(
      [&](auto member) -> Json {
        const auto& value = problem.*member;
        if constexpr (requires { value.has_value(); }) {
          if (!value) return nullptr;
        }
        if constexpr (kIsText<std::remove_cvref_t<decltype(value)>> ||
                      std::is_same_v<std::remove_cvref_t<decltype(value)>, std::optional<Lengths>>) {
          return value_text(field, problem);
        } else if constexpr (requires { value.has_value(); }) {
          return encode(*value);
        } else {
          return encode(value);
        }
      },
      field.member);
}

// True for an optional member, and for another member that is not at its default.
bool value_is_set(const ProblemField& field, const Problem& problem) {
  const bool optional = std::visit(
      [&](auto member) {
        return requires { (problem.*member).has_value(); };
      },
      field.member);
  return optional || !is_default(field, problem);
}

void value_from_json(const ProblemField& field, const JsonReader& reader, Problem& problem) {
  std::visit(
      [&](auto member) {
        auto& value = problem.*member;
        if constexpr (requires { value.has_value(); }) {
          value = decode_member<std::remove_reference_t<decltype(*value)>>(reader);
        } else {
          value = decode_member<std::remove_reference_t<decltype(value)>>(reader);
        }
      },
      field.member);
}

}  // namespace

Json to_json(const Problem& problem) {
  Json json = {{"name", problem.name}};
  if (!problem.source.empty()) json["source"] = problem.source;
  for (const ProblemField& field : problem_fields()) {
    if (!field.always_written && !value_is_set(field, problem)) continue;
    if (Json value = value_to_json(field, problem); !value.is_null())
      json[std::string(field.name)] = std::move(value);
  }
  return json;
}

Problem problem_from_json(const JsonReader& reader) {
  Problem problem;
  problem.name = require_field(reader, "name").string();
  if (const auto source = find_field(reader, "source")) problem.source = source->line();
  for (const ProblemField& field : problem_fields()) {
    const std::optional<JsonReader> found =
        field.required ? require_field(reader, field.name) : find_field(reader, field.name);
    if (found) value_from_json(field, *found, problem);
  }
  if (!find_field(reader, "scale")) problem.scale = default_scale(problem.head_dim);
  validate(problem, reader.where());
  normalize(problem);
  return problem;
}

}  // namespace flashcore
