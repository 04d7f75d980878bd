#include "plugin/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/error.hpp"
#include "plugin/plugin_slots.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

constexpr auto kSlotBinders = make_slot_binders(std::make_integer_sequence<int, kMostPluginVariants>());

using PluginFunction = const flashcore_plugin* (*)();

// The place that every message begins with: "--plugin: ./libmine.so".
class PluginFile {
 public:
  PluginFile(const std::string& path, std::string_view where) : path_(path), where_(where) {}

  [[noreturn]] void fail(std::string_view reason) const {
    throw UsageError(fmt::format("{}: {}: {}", where_, path_, reason));
  }

  // A path without a slash is a file here, not a name for the loader's search path. The object is never
  // closed: variants point into it.
  const flashcore_plugin& load() const {
    const std::string file = path_.find('/') == std::string::npos ? "./" + path_ : path_;
    void* object = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) fail(fmt::format("cannot be loaded: {}", dlerror()));
    const auto function = reinterpret_cast<PluginFunction>(dlsym(object, FLASHCORE_PLUGIN_SYMBOL));
    if (function == nullptr) fail(fmt::format("does not export {}", FLASHCORE_PLUGIN_SYMBOL));
    const flashcore_plugin* plugin = function();
    if (plugin == nullptr) fail(fmt::format("{} returned no table", FLASHCORE_PLUGIN_SYMBOL));
    return *plugin;
  }

 private:
  const std::string& path_;
  std::string_view where_;
};

bool is_family_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && std::ranges::all_of(name, allowed);
}

void check_family(const flashcore_plugin& plugin, const PluginFile& file) {
  if (plugin.abi_version != FLASHCORE_PLUGIN_ABI_VERSION) {
    file.fail(fmt::format("abi_version is {}, this program knows {}", plugin.abi_version,
                          FLASHCORE_PLUGIN_ABI_VERSION));
  }
  if (plugin.family == nullptr || !is_family_name(plugin.family)) {
    file.fail("family must be lower-case letters, digits and underscores");
  }
  if (std::ranges::count(declared_families(), plugin.family, &DeclaredFamily::name) > 0) {
    file.fail(fmt::format("there is a family {} already", plugin.family));
  }
  if (plugin.backend != FLASHCORE_CPU && plugin.backend != FLASHCORE_CUDA) {
    file.fail(fmt::format("backend {} is neither FLASHCORE_CPU nor FLASHCORE_CUDA", plugin.backend));
  }
  if (plugin.launch == nullptr) file.fail("launch is null");
}

void check_variant(const flashcore_plugin& plugin, std::size_t index, const PluginFile& file) {
  const flashcore_plugin_variant& variant = plugin.variants[index];
  if (!is_dtype(variant.dtype)) {
    file.fail(fmt::format("variants[{}]: dtype {} is none of FLASHCORE_FP16, FLASHCORE_BF16, FLASHCORE_E4M3",
                          index, variant.dtype));
  }
  if (variant.head_dim < 1) file.fail(fmt::format("variants[{}]: head_dim must be at least 1", index));
  if (std::min({variant.block_q, variant.block_kv, variant.num_warps, variant.num_stages,
                variant.smem_bytes}) < 0) {
    file.fail(fmt::format("variants[{}]: a number of the tile is negative", index));
  }
}

Variant make_variant(const flashcore_plugin& plugin, const flashcore_plugin_variant& table) {
  Variant variant;
  variant.family = plugin.family;
  variant.spec = {.dtype = static_cast<Dtype>(table.dtype),
                  .head_dim = table.head_dim,
                  .tile = {.block_q = table.block_q,
                           .block_kv = table.block_kv,
                           .num_warps = table.num_warps,
                           .num_stages = table.num_stages}};
  variant.backend = static_cast<Backend>(plugin.backend);
  variant.summary = plugin.summary == nullptr ? "" : plugin.summary;
  variant.smem_bytes = table.smem_bytes;
  return variant;
}

std::vector<Variant> make_variants(const flashcore_plugin& plugin, const PluginFile& file) {
  std::vector<Variant> variants;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < plugin.num_variants; ++i) {
    check_variant(plugin, i, file);
    variants.push_back(make_variant(plugin, plugin.variants[i]));
    if (const std::string id = variants.back().id(); !ids.insert(id).second) {
      file.fail(fmt::format("variants[{}]: {} is there twice", i, id));
    }
  }
  return variants;
}

}  // namespace

void load_plugin(const std::string& path, std::string_view where) {
  static std::deque<std::vector<Variant>> families;  // never moved or freed: the registry points into it
  static std::size_t slots_taken = 0;

  const PluginFile file(path, where);
  const flashcore_plugin& plugin = file.load();
  check_family(plugin, file);
  if (plugin.variants == nullptr || plugin.num_variants == 0) file.fail("has no variants");
  if (plugin.num_variants > plugin_slots.size() - slots_taken) {
    file.fail(fmt::format("{} variants are too many: plug-ins may have {} in all", plugin.num_variants,
                          kMostPluginVariants));
  }
  std::vector<Variant> variants = make_variants(plugin, file);
  for (std::size_t i = 0; i < variants.size(); ++i) {
    plugin_slots[slots_taken + i] = {.plugin = &plugin, .index = i};
    kSlotBinders[slots_taken + i](variants[i]);
  }
  slots_taken += variants.size();
  add_family(families.emplace_back(std::move(variants)));
}

}  // namespace flashcore
