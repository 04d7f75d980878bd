#include "plugin/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "capi/convert.hpp"

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

// A path without a slash is relative to the working directory; dlopen() would search the library path for it.
const flashcore_plugin& call_plugin(const PluginFile& file) {
  const bool is_bare = file.path().find('/') == std::string::npos;
  const std::string path = is_bare ? "./" + file.path() : file.path();
  void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) file.fail(fmt::format("cannot be loaded: {}", dlerror()));
  const auto function = reinterpret_cast<PluginFunction>(dlsym(object, FLASHCORE_PLUGIN_SYMBOL));
  if (function == nullptr) file.fail(fmt::format("does not export {}", FLASHCORE_PLUGIN_SYMBOL));
  const flashcore_plugin* plugin = function();
  if (plugin == nullptr) file.fail(fmt::format("{} returned no table", FLASHCORE_PLUGIN_SYMBOL));
  return *plugin;
}

PluginTable::Row row_of(const flashcore_plugin_variant& variant) {
  return {.dtype = variant.dtype,
          .head_dim = variant.head_dim,
          .tile = {.block_q = variant.block_q,
                   .block_kv = variant.block_kv,
                   .num_warps = variant.num_warps,
                   .num_stages = variant.num_stages},
          .smem_bytes = variant.smem_bytes};
}

}  // namespace

OpenPlugin open_plugin(const PluginFile& file) {
  const flashcore_plugin& plugin = call_plugin(file);
  OpenPlugin open{.functions = &plugin, .table = {.abi_version = plugin.abi_version}};
  if (plugin.abi_version != FLASHCORE_PLUGIN_ABI_VERSION)
    return open;  // the other fields may stand elsewhere
  if (plugin.num_variants > kMaxVariants) {
    file.fail(fmt::format("num_variants is {}, the limit is {}", plugin.num_variants, kMaxVariants));
  }
  open.table.backend = plugin.backend;
  open.table.family = plugin.family == nullptr ? "" : plugin.family;
  open.table.summary = plugin.summary == nullptr ? "" : plugin.summary;
  open.table.has_launch = plugin.launch != nullptr;
  open.table.has_resources = plugin.resources != nullptr;
  for (std::size_t i = 0; plugin.variants != nullptr && i < plugin.num_variants; ++i) {
    open.table.variants.push_back(row_of(plugin.variants[i]));
  }
  return open;
}

void load_plugin(const std::string& path, std::string_view where) {
  const PluginFile file(path, where);
  OpenPlugin open = open_plugin(file);
  check_table(open.table, file);
  auto kernels = std::make_unique<PluginFamily>(*open.functions, file.hash());
  add_plugin_family(std::move(open.table), std::move(kernels));
}

}  // namespace flashcore
