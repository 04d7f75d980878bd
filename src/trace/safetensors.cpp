#include "trace/safetensors.hpp"

#include <fmt/format.h>

#include <limits>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/json_document.hpp"
#include "base/json_fields.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::string_view kIntegerTypes[] = {"I32", "I64"};

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::int64_t integer_of(std::string_view bytes) {
  const std::uint64_t value = little_endian(bytes);
  return bytes.size() == sizeof(std::int32_t) ? static_cast<std::int32_t>(static_cast<std::uint32_t>(value))
                                              : static_cast<std::int64_t>(value);
}

// The bytes of the tensor's elements.
std::string_view data_of(const JsonReader& tensor, std::string_view data, std::size_t element) {
  const auto size = static_cast<std::int64_t>(data.size());
  const std::vector<JsonReader> shape = elements(require_field(tensor, "shape"));
  if (shape.size() != 1) tensor.fail("must have one axis");
  const std::vector<JsonReader> offsets = elements(require_field(tensor, "data_offsets"));
  if (offsets.size() != 2) tensor.fail("must have two data_offsets");
  const std::int64_t begin = offsets[0].integer(0, size);
  const std::int64_t end = offsets[1].integer(begin, size);
  const std::int64_t count = shape[0].integer(0, size);
  if (end - begin != count * static_cast<std::int64_t>(element))
    tensor.fail("has offsets of another size than its shape");
  return data.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

}  // namespace

std::vector<std::int64_t> safetensors_integers(std::string_view bytes, const std::string& key,
                                               const std::string& file) {
  const std::uint64_t header = bytes.size() < kLengthBytes ? 0 : little_endian(bytes.substr(0, kLengthBytes));
  if (header == 0 || header > bytes.size() - kLengthBytes || header > kMaxDocumentBytes) {
    throw UsageError(fmt::format("{}: is no safetensors file", file));
  }
  const JsonDocument document(bytes.substr(kLengthBytes, header), file);
  const JsonReader root(document);
  const JsonReader tensor = require_field(root, key);
  const std::size_t element = require_field(tensor, "dtype").word(kIntegerTypes) == 0 ? 4 : 8;
  const std::string_view data = data_of(tensor, bytes.substr(kLengthBytes + header), element);
  std::vector<std::int64_t> values;
  values.reserve(data.size() / element);
  for (std::size_t at = 0; at < data.size(); at += element)
    values.push_back(integer_of(data.substr(at, element)));
  return values;
}

}  // namespace flashcore
