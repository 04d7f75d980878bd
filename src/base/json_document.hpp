// A JSON text with its name, and readers that walk it, check types and ranges, and know where they are.
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

// A parsed text. Values that a flag put in its place answer to the flag's name in error messages.
class JsonDocument {
 public:
  // Throws UsageError with line and column when the text is no JSON, or when an object has a key twice.
  JsonDocument(std::string_view text, std::string name);

  const nlohmann::json& root() const { return root_; }
  const std::string& name() const { return name_; }

  // Replaces the value at a JSON pointer, making objects on the way; messages about it then say `label`.
  // Throws UsageError when the way leads through something that is no object.
  void set(const std::string& pointer, nlohmann::json value, std::string label);

  // "configs/l4.json: /problems/0/seq_q", or "--problem/seq_q" below a value that was set.
  std::string where(const std::string& pointer) const;

 private:
  std::string name_;
  nlohmann::json root_;
  std::vector<std::pair<std::string, std::string>> labels_;  // pointer, label
};

// Reads a file, or standard input when the path is "-". Throws UsageError when it cannot be read.
JsonDocument read_json_document(const std::filesystem::path& path);

// One value of a document. Every mismatch is a UsageError that begins with where().
class JsonReader {
 public:
  explicit JsonReader(const JsonDocument& document) : JsonReader(document, document.root(), "") {}

  std::string where() const { return document_->where(pointer_); }
  [[noreturn]] void fail(std::string_view what) const;

  bool is_object() const { return value_->is_object(); }
  const nlohmann::json& value() const { return *value_; }

  // An object's parts. check_keys names the nearest valid key of an unknown one.
  void check_keys(std::span<const std::string_view> known) const;
  std::vector<std::string> keys() const;
  bool has(std::string_view key) const;
  JsonReader operator[](std::string_view key) const;

  // An array's elements; of any other value that value alone, so that "x": 1 and "x": [1] read alike.
  std::vector<JsonReader> zero_or_more() const;
  std::vector<JsonReader> one_or_more() const;  // an empty array is an error

  bool boolean() const;
  std::int64_t integer(std::int64_t least, std::int64_t most) const;
  double number(double least, double most) const;
  double positive_number() const;
  std::string string() const;
  // One of the words; returns its index.
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
