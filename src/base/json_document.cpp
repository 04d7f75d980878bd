#include "base/json_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <limits>
#include <set>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/json_text.hpp"
#include "base/names.hpp"

namespace flashcore {
namespace {

using nlohmann::json;

// Copies and destructors of deeper values could exhaust the stack.
constexpr int kMaxDepth = 64;

std::string read_stream(std::istream& stream, const std::string& name) {
  std::string text;
  char buffer[1 << 14];
  while (stream.read(buffer, sizeof buffer) || stream.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kMaxDocumentBytes) {
      throw UsageError(
          fmt::format("{}: larger than {} MiB, the limit for JSON input", name, kMaxDocumentBytes >> 20));
    }
  }
  if (stream.bad()) throw UsageError(fmt::format("{}: cannot be read", name));
  return text;
}

// Rejects an object that has a key twice, of which nlohmann::json would silently keep the second value, and deep
// nesting.
class DuplicateKeys {
 public:
  explicit DuplicateKeys(const std::string& name) : name_(name) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) {
      throw UsageError(fmt::format("{}: is nested deeper than {} levels", name_, kMaxDepth));
    }
    if (event == json::parse_event_t::object_start) open_objects_.emplace_back();
    if (event == json::parse_event_t::object_end) open_objects_.pop_back();
    if (event == json::parse_event_t::key && !open_objects_.back().insert(parsed.get<std::string>()).second) {
      throw UsageError(
          fmt::format("{}: the key \"{}\" appears twice in one object", name_, parsed.get<std::string>()));
    }
    return true;
  }

 private:
  const std::string& name_;
  std::vector<std::set<std::string>> open_objects_;
};

// The message of nlohmann::json without its prefix and position.
std::string strip_position(const json::exception& error) {
  std::string_view text = error.what();
  if (const auto bracket = text.find("] "); bracket != text.npos) text.remove_prefix(bracket + 2);
  if (text.starts_with("parse error at ")) {
    if (const auto colon = text.find(": "); colon != text.npos) text.remove_prefix(colon + 2);
  }
  return std::string(text);
}

// "line 3, column 7"
std::string place_of(std::string_view before) {
  const auto line = 1 + std::ranges::count(before, '\n');
  return fmt::format("line {}, column {}", line, before.size() - (before.rfind('\n') + 1) + 1);
}

json parse(std::string_view text, const std::string& name) {
  // To nlohmann::json a NUL is the end of the text; what follows would be ignored.
  if (const auto nul = text.find('\0'); nul != text.npos) {
    throw UsageError(fmt::format("{}: {}: not valid JSON: a NUL byte", name, place_of(text.substr(0, nul))));
  }
  try {
    return json::parse(text, DuplicateKeys(name));
  } catch (const json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte == 0 ? 0 : error.byte - 1);
    const std::string_view kind = error.byte > text.size() ? "truncated JSON" : "not valid JSON";
    throw UsageError(fmt::format("{}: {}: {}: {}", name, place_of(before), kind, strip_position(error)));
  } catch (const json::exception& error) {
    throw UsageError(fmt::format("{}: not valid JSON: {}", name, strip_position(error)));
  }
}

std::string escape_key(std::string_view key) {
  std::string escaped;
  for (char c : key) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// A short text of a value for error messages.
std::string preview(const json& value) {
  constexpr std::size_t kMaxLength = 40;
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  const std::string text = json_text(value, -1, /*ascii=*/true);
  return text.size() <= kMaxLength ? text : text.substr(0, kMaxLength) + "…";
}

}  // namespace

JsonDocument::JsonDocument(std::string_view text, std::string name)
    : name_(std::move(name)), root_(parse(text, name_)) {}

void JsonDocument::set(const std::string& pointer, json value, std::string label) {
  try {
    root_[json::json_pointer(pointer)] = std::move(value);
  } catch (const json::exception&) {
    throw UsageError(fmt::format("{}: cannot replace {}", label, where(pointer)));
  }
  labels_.emplace_back(pointer, std::move(label));
}

std::string JsonDocument::where(const std::string& pointer) const {
  for (const auto& [place, label] : labels_) {
    if (pointer == place || pointer.starts_with(place + "/")) return label + pointer.substr(place.size());
  }
  return pointer.empty() ? name_ : fmt::format("{}: {}", name_, pointer);
}

JsonDocument read_json_document(const std::filesystem::path& path) {
  if (path == "-") return {read_stream(std::cin, "standard input"), "standard input"};
  return {read_input(path, {.max_bytes = kMaxDocumentBytes}), path.string()};
}

void JsonReader::fail(std::string_view what) const { throw UsageError(fmt::format("{}: {}", where(), what)); }

void JsonReader::fail_type(std::string_view wanted) const {
  fail(fmt::format("must be {}, not {}", wanted, preview(*value_)));
}

void JsonReader::check_object() const {
  if (!value_->is_object()) fail_type("an object");
}

void JsonReader::check_keys(std::span<const std::string_view> known) const {
  check_object();
  for (const auto& [key, value] : value_->items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::string place = document_->where(pointer_ + "/" + escape_key(key));
    throw UsageError(fmt::format("{}: unknown key{}", place, suggestion(key, known)));
  }
}

std::vector<std::string> JsonReader::keys() const {
  check_object();
  std::vector<std::string> names;
  for (const auto& [key, value] : value_->items()) names.push_back(key);
  return names;
}

bool JsonReader::has(std::string_view key) const {
  check_object();
  return value_->contains(key);
}

JsonReader JsonReader::operator[](std::string_view key) const {
  return {*document_, value_->at(std::string(key)), pointer_ + "/" + escape_key(key)};
}

std::vector<JsonReader> JsonReader::zero_or_more() const {
  if (!value_->is_array()) return {*this};
  std::vector<JsonReader> readers;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    readers.push_back({*document_, (*value_)[i], pointer_ + "/" + std::to_string(i)});
  }
  return readers;
}

std::vector<JsonReader> JsonReader::one_or_more() const {
  std::vector<JsonReader> readers = zero_or_more();
  if (readers.empty()) fail("must not be empty");
  return readers;
}

bool JsonReader::boolean() const {
  if (!value_->is_boolean()) fail_type("true or false");
  return value_->get<bool>();
}

std::int64_t JsonReader::integer(std::int64_t min, std::int64_t max) const {
  // nlohmann::json parses integers beyond 64 bits as floating-point numbers.
  constexpr double kTwoTo63 = 9223372036854775808.0;
  const bool huge = value_->is_number_float() && std::abs(value_->get<double>()) >= kTwoTo63;
  if (!value_->is_number_integer() && !huge) fail_type("an integer");
  const bool unsigned_too_large =
      value_->is_number_unsigned() &&
      value_->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool in_range = !huge && !unsigned_too_large && value_->get<std::int64_t>() >= min &&
                        value_->get<std::int64_t>() <= max;
  if (!in_range) {
    fail(fmt::format("{} is out of range, it must be from {} to {}", preview(*value_), min, max));
  }
  return value_->get<std::int64_t>();
}

double JsonReader::number(double min, double max) const {
  if (!value_->is_number()) fail_type("a number");
  const double value = value_->get<double>();
  if (!(value >= min && value <= max)) {
    fail(fmt::format("{} is out of range, it must be from {} to {}", preview(*value_), min, max));
  }
  return value;
}

double JsonReader::positive_number() const {
  if (!value_->is_number()) fail_type("a number");
  const double value = value_->get<double>();
  if (!(value > 0) || !std::isfinite(value)) {
    fail(fmt::format("{} is out of range, it must be greater than 0", preview(*value_)));
  }
  return value;
}

std::string JsonReader::string() const {
  if (!value_->is_string()) fail_type("a string");
  return value_->get<std::string>();
}

std::string JsonReader::line() const {
  std::string text = string();
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; };
  if (std::ranges::any_of(text, is_control)) {
    fail(fmt::format("must have no control characters, but is {}", preview(*value_)));
  }
  return text;
}

std::size_t JsonReader::word(std::span<const std::string_view> words) const {
  const std::string text = string();
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) fail(fmt::format("unknown word \"{}\"{}", text, suggestion(text, words)));
  return static_cast<std::size_t>(found - words.begin());
}

}  // namespace flashcore
