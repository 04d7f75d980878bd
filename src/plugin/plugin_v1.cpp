#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "capi/convert.hpp"
#include "plugin/capabilities.hpp"
#include "plugin/plugin_family.hpp"

namespace flashcore {
namespace {

// The functions of a plug-in have the same index of the variant as Family's.
class PluginFamilyV1 final : public Family {
 public:
  PluginFamilyV1(const flashcore_plugin& plugin, std::string file_hash)
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

}  // namespace

OpenPlugin read_plugin_v1(const flashcore_plugin& plugin, const PluginFile& file) {
  if (plugin.abi_version != FLASHCORE_PLUGIN_ABI_VERSION) {  // the other fields may stand elsewhere
    file.fail(fmt::format("abi_version is {}, this program supports {}", plugin.abi_version,
                          FLASHCORE_PLUGIN_ABI_VERSION));
  }
  if (plugin.num_variants > kMaxPluginVariants) {
    file.fail(fmt::format("num_variants is {}, the limit is {}", plugin.num_variants, kMaxPluginVariants));
  }
  OpenPlugin open{.table = {.abi_version = plugin.abi_version,
                            .backend = plugin.backend,
                            .family = plugin.family == nullptr ? "" : plugin.family,
                            .summary = plugin.summary == nullptr ? "" : plugin.summary,
                            .has_launch = plugin.launch != nullptr,
                            .has_resources = plugin.resources != nullptr},
                  .functions = std::make_unique<PluginFamilyV1>(plugin, file.hash())};
  for (std::size_t i = 0; plugin.variants != nullptr && i < plugin.num_variants; ++i) {
    open.table.variants.push_back(row_of(plugin.variants[i], kVersion1Capabilities));
  }
  return open;
}

}  // namespace flashcore
