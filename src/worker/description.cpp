#include "worker/description.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <string>
#include <type_traits>

#include "base/json_fields.hpp"

namespace flashcore {
namespace {

void table_fields(auto&& io, auto& table) {
  io.required("abi_version", table.abi_version);
  io.required("backend", table.backend);
  io.required("family", table.family);
  io.required("summary", table.summary);
  io.required("has_launch", table.has_launch);
  io.required("has_resources", table.has_resources);
}

void row_fields(auto&& io, auto& row) {
  io.required("dtype", row.dtype);
  io.required("head_dim", row.head_dim);
  io.required("block_q", row.tile.block_q);
  io.required("block_kv", row.tile.block_kv);
  io.required("num_warps", row.tile.num_warps);
  io.required("num_stages", row.tile.num_stages);
  io.required("smem_bytes", row.smem_bytes);
  io.required("capabilities", row.capabilities);
}

}  // namespace

Json to_json(const PluginTable& table) {
  Json json;
  table_fields(FieldWriter(json), table);
  json["variants"] = Json::array();
  for (const PluginTable::Row& row : table.variants)
    row_fields(FieldWriter(json["variants"].emplace_back()), row);
  return json;
}

PluginTable plugin_table_from_json(const JsonReader& reader) {
  PluginTable table;
  table_fields(FieldReader(reader), table);
  for (const JsonReader& entry : elements(require_field(reader, "variants"))) {
    row_fields(FieldReader(entry), table.variants.emplace_back());
  }
  return table;
}

template <class Struct>
Json bytes_to_json(const Struct& value) {
  static_assert(std::is_trivially_copyable_v<Struct>);
  std::string text;
  unsigned char bytes[sizeof(Struct)];
  std::memcpy(bytes, &value, sizeof(Struct));
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

template <class Struct>
Struct bytes_from_json(const JsonReader& reader) {
  const std::string text = reader.string();
  unsigned char bytes[sizeof(Struct)] = {};
  if (text.size() != 2 * sizeof(Struct)) reader.fail("has another size");
  for (std::size_t i = 0; i < sizeof(Struct); ++i) {
    const char* digits = text.data() + 2 * i;
    if (std::from_chars(digits, digits + 2, bytes[i], 16).ptr != digits + 2)
      reader.fail("is not hexadecimal");
  }
  Struct value;
  std::memcpy(&value, bytes, sizeof(Struct));
  return value;
}

template Json bytes_to_json(const AttentionArgs&);
template Json bytes_to_json(const DeviceLimits&);
template Json bytes_to_json(const Resources&);
template AttentionArgs bytes_from_json(const JsonReader&);
template DeviceLimits bytes_from_json(const JsonReader&);
template Resources bytes_from_json(const JsonReader&);

}  // namespace flashcore
