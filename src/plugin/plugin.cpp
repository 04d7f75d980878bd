#include "plugin/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "capi/convert.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

// The family of a plug-in. Its functions have the same index of the variant as Family's.
class PluginFamily final : public Family {
 public:
  PluginFamily(const flashcore_plugin& plugin, std::string file_hash)
      : plugin_(plugin), file_hash_(std::move(file_hash)) {}

  const char* unsupported(std::size_t variant, const AttentionArgs& args,
                          const DeviceLimits& limits) const override {
    if (plugin_.unsupported == nullptr) return nullptr;
    const flashcore_attention c_args = to_c(args, dtype(variant));
    const flashcore_device_limits c_limits = flashcore::to_c(limits);
    return plugin_.unsupported(variant, &c_args, &c_limits);
  }
  std::size_t workspace_bytes(std::size_t variant, const AttentionArgs& args) const override {
    if (plugin_.workspace_bytes == nullptr) return 0;
    const flashcore_attention c_args = to_c(args, dtype(variant));
    return plugin_.workspace_bytes(variant, &c_args);
  }
  int launch(std::size_t variant, const AttentionArgs& args, void* stream) const override {
    const flashcore_attention c_args = to_c(args, dtype(variant));
    return plugin_.launch(variant, &c_args, stream);
  }
  bool knows_resources(std::size_t) const override {
    return plugin_.resources != nullptr && plugin_.backend == FLASHCORE_CUDA;
  }
  int resources(std::size_t variant, const AttentionArgs& args, Resources& found) const override {
    const flashcore_attention c_args = to_c(args, dtype(variant));
    flashcore_resources c_resources = {};
    const int code = plugin_.resources(variant, &c_args, &c_resources);
    found = from_c(c_resources);
    return code;
  }
  const char* kernel_name(std::size_t) const override { return nullptr; }
  std::string file_hash() const override { return file_hash_; }

 private:
  Dtype dtype(std::size_t variant) const { return static_cast<Dtype>(plugin_.variants[variant].dtype); }

  const flashcore_plugin& plugin_;
  std::string file_hash_;
};

// A larger count means that the table was not initialised.
constexpr std::size_t kMaxVariants = 4096;

using PluginFunction = const flashcore_plugin* (*)();

// A plug-in's file. Every error message starts with flag and path: "--plugin: ./libmine.so".
class PluginFile {
 public:
  PluginFile(const std::string& path, std::string_view where) : path_(path), where_(where) {}

  [[noreturn]] void fail(std::string_view reason) const {
    throw UsageError(fmt::format("{}: {}: {}", where_, path_, reason));
  }

  std::string hash() const {
    std::ifstream file(path_, std::ios::binary);
    return hash_hex(std::string{std::istreambuf_iterator<char>(file), {}});
  }

  // A path without a slash is relative to the working directory; dlopen() would search the library path for
  // it. The object is never closed, because variants point into it.
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
    file.fail(fmt::format("abi_version is {}, this program supports {}", plugin.abi_version,
                          FLASHCORE_PLUGIN_ABI_VERSION));
  }
  if (plugin.family == nullptr || !is_family_name(plugin.family)) {
    file.fail("family must consist of lower-case letters, digits and underscores");
  }
  if (std::ranges::count(declared_families(), plugin.family, &DeclaredFamily::name) > 0) {
    file.fail(fmt::format("family {} already exists", plugin.family));
  }
  if (plugin.backend != FLASHCORE_CPU && plugin.backend != FLASHCORE_CUDA) {
    file.fail(fmt::format("backend {} is neither FLASHCORE_CPU nor FLASHCORE_CUDA", plugin.backend));
  }
  if (plugin.launch == nullptr) file.fail("launch is null");
}

void check_variant(const flashcore_plugin& plugin, std::size_t index, const PluginFile& file) {
  const flashcore_plugin_variant& variant = plugin.variants[index];
  if (!is_dtype(variant.dtype)) {
    file.fail(fmt::format("variants[{}]: dtype {} must be FLASHCORE_FP16, FLASHCORE_BF16 or FLASHCORE_E4M3",
                          index, variant.dtype));
  }
  if (variant.head_dim < 1) file.fail(fmt::format("variants[{}]: head_dim must be at least 1", index));
  if (std::min({variant.block_q, variant.block_kv, variant.num_warps, variant.num_stages,
                variant.smem_bytes}) < 0) {
    file.fail(fmt::format("variants[{}]: a tile parameter is negative", index));
  }
}

Variant make_variant(const flashcore_plugin& plugin, std::size_t index, const Family& family) {
  const flashcore_plugin_variant& table = plugin.variants[index];
  return {.family = plugin.family,
          .spec = {.dtype = static_cast<Dtype>(table.dtype),
                   .head_dim = table.head_dim,
                   .tile = {.block_q = table.block_q,
                            .block_kv = table.block_kv,
                            .num_warps = table.num_warps,
                            .num_stages = table.num_stages}},
          .backend = static_cast<Backend>(plugin.backend),
          .role = Role::plugin,
          .summary = plugin.summary == nullptr ? "" : plugin.summary,
          .smem_bytes = table.smem_bytes,
          .kernels = &family,
          .index = index};
}

std::vector<Variant> make_variants(const flashcore_plugin& plugin, const Family& family,
                                   const PluginFile& file) {
  std::vector<Variant> variants;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < plugin.num_variants; ++i) {
    check_variant(plugin, i, file);
    variants.push_back(make_variant(plugin, i, family));
    if (const std::string id = variants.back().id(); !ids.insert(id).second) {
      file.fail(fmt::format("variants[{}]: {} appears twice", i, id));
    }
  }
  return variants;
}

}  // namespace

void load_plugin(const std::string& path, std::string_view where) {
  // Never moved or freed, because the registry points into both.
  static std::deque<std::unique_ptr<PluginFamily>> families;
  static std::deque<std::vector<Variant>> tables;

  const PluginFile file(path, where);
  const flashcore_plugin& plugin = file.load();
  check_family(plugin, file);
  if (plugin.variants == nullptr || plugin.num_variants == 0) file.fail("has no variants");
  if (plugin.num_variants > kMaxVariants) {
    file.fail(fmt::format("num_variants is {}, the limit is {}", plugin.num_variants, kMaxVariants));
  }
  auto family = std::make_unique<PluginFamily>(plugin, file.hash());
  std::vector<Variant> variants = make_variants(plugin, *family, file);
  families.push_back(std::move(family));
  add_family(tables.emplace_back(std::move(variants)));
}

}  // namespace flashcore
