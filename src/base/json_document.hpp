// A JSON document with the name of its source, and readers that check types and ranges and report JSON
// pointers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flashcore {

// A parsed document. Error messages about a value that a flag has replaced name the flag.
class JsonDocument {
 public:
  // Throws UsageError with line and column if the text is not JSON or has a NUL, and UsageError if an object has a key
  // twice or values are nested deeper than 64 levels.
  JsonDocument(std::string_view text, std::string name);

  const nlohmann::json& root() const { return root_; }
  const std::string& name() const { return name_; }

  // Replaces the value at a JSON pointer and creates missing parent objects. Error messages about the value
  // then start with `label`. Throws UsageError if a parent is not an object.
  void set(const std::string& pointer, nlohmann::json value, std::string label);

  // "configs/l4.json: /problems/0/seq_q"; "--problem/seq_q" inside a value that set() replaced.
  std::string where(const std::string& pointer) const;

 private:
  std::string name_;
  nlohmann::json root_;
  std::vector<std::pair<std::string, std::string>> labels_;  // pointer, label
};

// Reads a file; "-" is standard input. Throws UsageError if it cannot be read.
JsonDocument read_json_document(const std::filesystem::path& path);

// One value of a document. Every mismatch throws a UsageError that starts with where().
class JsonReader {
 public:
  explicit JsonReader(const JsonDocument& document) : JsonReader(document, document.root(), "") {}

  std::string where() const { return document_->where(pointer_); }
  [[noreturn]] void fail(std::string_view what) const;

  bool is_object() const { return value_->is_object(); }
  const nlohmann::json& value() const { return *value_; }

  // Access to an object. check_keys() rejects an unknown key and suggests the nearest known one.
  void check_keys(std::span<const std::string_view> known) const;
  std::vector<std::string> keys() const;
  bool has(std::string_view key) const;
  JsonReader operator[](std::string_view key) const;

  // The elements of an array. Any other value counts as an array of one element: "x": 1 equals "x": [1].
  std::vector<JsonReader> zero_or_more() const;
  std::vector<JsonReader> one_or_more() const;  // an empty array is an error

  bool boolean() const;
  std::int64_t integer(std::int64_t min, std::int64_t max) const;
  double number(double min, double max) const;
  double positive_number() const;
  std::string string() const;
  std::string line() const;  // a string without control characters: a path or a name
  // The index of a string among `words`.
  std::size_t word(std::span<const std::string_view> words) const;

 private:
  JsonReader(const JsonDocument& document, const nlohmann::json& value, std::string pointer)
      : document_(&document), value_(&value), pointer_(std::move(pointer)) {}

  void check_object() const;
  [[noreturn]] void fail_type(std::string_view wanted) const;

  const JsonDocument* document_;
  const nlohmann::json* value_;
  std::string pointer_;
};

}  // namespace flashcore
