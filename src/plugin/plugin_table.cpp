#include "plugin/plugin_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <iterator>
#include <set>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "capi/convert.hpp"
#include "plugin/capabilities.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

bool is_family_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && std::ranges::all_of(name, allowed);
}

void check_family(const PluginTable& table, const PluginFile& file) {
  if (!is_family_name(table.family)) {
    file.fail("family must consist of lower-case letters, digits and underscores");
  }
  if (std::ranges::count(declared_families(), table.family, &DeclaredFamily::name) > 0) {
    file.fail(fmt::format("family {} already exists", table.family));
  }
  if (table.backend != FLASHCORE_CPU && table.backend != FLASHCORE_CUDA) {
    file.fail(fmt::format("backend {} is neither FLASHCORE_CPU nor FLASHCORE_CUDA", table.backend));
  }
  if (!table.has_launch) file.fail("launch is null");
}

void check_row(const PluginTable::Row& row, std::size_t index, const PluginFile& file) {
  if (!is_dtype(row.dtype)) {
    file.fail(fmt::format("variants[{}]: dtype {} must be FLASHCORE_FP16, FLASHCORE_BF16 or FLASHCORE_E4M3",
                          index, row.dtype));
  }
  if (row.head_dim < 1) file.fail(fmt::format("variants[{}]: head_dim must be at least 1", index));
  const Tile& tile = row.tile;
  if (std::min({tile.block_q, tile.block_kv, tile.num_warps, tile.num_stages, row.smem_bytes}) < 0) {
    file.fail(fmt::format("variants[{}]: a tile parameter is negative", index));
  }
}

VariantSpec spec_of(const PluginTable::Row& row) {
  return {.dtype = static_cast<Dtype>(row.dtype), .head_dim = row.head_dim, .tile = row.tile};
}

// A family and its variants. Never moved or freed, because the registry points into it.
struct Loaded {
  PluginTable table;
  std::unique_ptr<Family> kernels;
  std::vector<Variant> variants = {};
  std::deque<std::vector<std::string_view>> fields = {};  // of the variants

  std::span<const std::string_view> keep(std::vector<std::string_view> names) {
    return fields.emplace_back(std::move(names));
  }
};

}  // namespace

std::string PluginFile::place() const { return fmt::format("{}: {}", where_, path_); }

void PluginFile::fail(std::string_view reason) const {
  throw UsageError(fmt::format("{}: {}", place(), reason));
}

std::string PluginFile::hash() const {
  std::ifstream file(path_, std::ios::binary);
  return hash_hex(std::string{std::istreambuf_iterator<char>(file), {}});
}

void check_table(const PluginTable& table, const PluginFile& file) {
  check_family(table, file);
  if (table.variants.empty()) file.fail("has no variants");
  std::set<std::string> ids;
  for (std::size_t i = 0; i < table.variants.size(); ++i) {
    check_row(table.variants[i], i, file);
    const std::string id = variant_id(table.family, spec_of(table.variants[i]));
    if (!ids.insert(id).second) file.fail(fmt::format("variants[{}]: {} appears twice", i, id));
  }
}

void add_plugin_family(PluginTable table, std::unique_ptr<Family> kernels) {
  static std::deque<Loaded> families;
  Loaded& loaded = families.emplace_back(Loaded{std::move(table), std::move(kernels)});
  for (const PluginTable::Row& row : loaded.table.variants) {
    loaded.variants.push_back({.family = loaded.table.family,
                               .spec = spec_of(row),
                               .backend = static_cast<Backend>(loaded.table.backend),
                               .role = Role::plugin,
                               .summary = loaded.table.summary,
                               .smem_bytes = row.smem_bytes,
                               .problem_fields = loaded.keep(fields_of(row.capabilities)),
                               .missing_fields = loaded.keep(missing_fields_of(row.capabilities)),
                               .kernels = loaded.kernels.get(),
                               .index = loaded.variants.size()});
  }
  add_family(loaded.variants);
}

}  // namespace flashcore
