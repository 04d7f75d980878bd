// Reading and writing JSON objects by one list of fields: a function `fields(auto& io, auto& object)` names
// each field once and is called with a FieldWriter or a FieldReader.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "base/words.hpp"

namespace flashcore {

// JSON cannot represent these numbers; files hold the words.
inline constexpr std::string_view kNonfiniteWords[] = {"nan", "inf", "-inf"};
inline constexpr double kNonfiniteNumbers[] = {std::numeric_limits<double>::quiet_NaN(),
                                               std::numeric_limits<double>::infinity(),
                                               -std::numeric_limits<double>::infinity()};

inline Json encode_number(double value) {
  if (std::isfinite(value)) return value;
  return kNonfiniteWords[std::isnan(value) ? 0 : value > 0 ? 1 : 2];
}

inline double decode_number(const JsonReader& reader) {
  if (reader.value().is_string()) return kNonfiniteNumbers[reader.word(kNonfiniteWords)];
  return reader.number(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
}

template <class T>
Json encode(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return to_string(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return encode_number(value);
  } else {
    return value;
  }
}

template <Worded Enum>
Enum decode_word(const JsonReader& reader) {
  return static_cast<Enum>(reader.word(words(Enum{})));
}

template <class T>
T decode(const JsonReader& reader) {
  if constexpr (std::is_enum_v<T>) {
    return decode_word<T>(reader);
  } else if constexpr (std::is_same_v<T, bool>) {
    return reader.boolean();
  } else if constexpr (std::is_floating_point_v<T>) {
    return decode_number(reader);
  } else if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    return static_cast<T>(reader.integer(Limits::min(), Limits::max()));
  } else {
    return reader.string();
  }
}

// The value of a key, or nothing if it is absent or null.
inline std::optional<JsonReader> find_field(const JsonReader& object, std::string_view key) {
  if (!object.has(key) || object[key].value().is_null()) return std::nullopt;
  return object[key];
}

inline JsonReader require_field(const JsonReader& object, std::string_view key) {
  if (auto found = find_field(object, key)) return *found;
  object.fail("\"" + std::string(key) + "\" is missing");
}

// The elements of a value that must be an array.
inline std::vector<JsonReader> elements(const JsonReader& array) {
  if (!array.value().is_array()) array.fail("must be an array");
  return array.zero_or_more();
}

class FieldWriter {
 public:
  // Adds fields to an object. A null value becomes an object.
  explicit FieldWriter(Json& object) : object_(object) {}

  template <class T>
  void required(const char* name, const T& value) {
    object_[name] = encode(value);
  }
  // Written even at its default, so that a file states the value that was used.
  template <class T>
  void with_default(const char* name, const T& value) {
    object_[name] = encode(value);
  }
  template <class T>
  void optional(const char* name, const std::optional<T>& value) {
    if (value) object_[name] = encode(*value);
  }
  // A number that may be unknown: NaN is null in files.
  void nullable(const char* name, double value) {
    object_[name] = std::isnan(value) ? Json(nullptr) : encode_number(value);
  }
  // The same where it may be absent; null is read as absent.
  void optional_nullable(const char* name, const std::optional<double>& value) {
    if (value) nullable(name, *value);
  }

 private:
  Json& object_;
};

class FieldReader {
 public:
  explicit FieldReader(JsonReader object) : object_(std::move(object)) {}

  template <class T>
  void required(const char* name, T& value) {
    value = decode<T>(require_field(object_, name));
  }
  // Leaves the value unchanged if the field is absent.
  template <class T>
  void with_default(const char* name, T& value) {
    if (const auto found = find_field(object_, name)) value = decode<T>(*found);
  }
  template <class T>
  void optional(const char* name, std::optional<T>& value) {
    if (const auto found = find_field(object_, name)) value = decode<T>(*found);
  }
  void optional_nullable(const char* name, std::optional<double>& value) { optional(name, value); }
  // null means unknown and becomes NaN.
  void nullable(const char* name, double& value) {
    if (!object_.has(name)) require_field(object_, name);  // throws
    const auto found = find_field(object_, name);
    value = found ? decode_number(*found) : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  JsonReader object_;
};

}  // namespace flashcore
