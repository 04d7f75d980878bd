#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "capi/convert.hpp"
#include "plugin/capabilities.hpp"
#include "plugin/plugin_family.hpp"

namespace flashcore {
namespace {

using CTable = flashcore_plugin_table_v2;
using CVariant = flashcore_plugin_variant_v2;

// The least that a table and a variant must have: everything up to these members.
constexpr std::size_t kLeastTable = offsetof(CTable, launch) + sizeof(CTable::launch);
constexpr std::size_t kLeastVariant = offsetof(CVariant, head_dim) + sizeof(CVariant::head_dim);

// A copy of a struct up to its struct_size, and no further than this program knows it. The rest is 0 or null.
template <class Struct>
Struct read_sized(const void* given, std::size_t struct_size) {
  Struct known = {};
  std::memcpy(&known, given, std::min(struct_size, sizeof(Struct)));
  return known;
}

class PluginFamilyV2 final : public Family {
 public:
  PluginFamilyV2(const CTable& table, std::vector<PluginTable::Row> rows, std::string file_hash)
      : table_(table), rows_(std::move(rows)), file_hash_(std::move(file_hash)) {}

  const char* unsupported(std::size_t variant, const AttentionArgs& args,
                          const DeviceLimits& limits) const override {
    if (table_.unsupported == nullptr) return nullptr;
    const flashcore_attention_v2 c_args = c_args_of(variant, args);
    const flashcore_device_limits_v2 c_limits = to_c_v2(limits);
    return table_.unsupported(table_.context, variant, &c_args, &c_limits);
  }
  std::size_t workspace_bytes(std::size_t variant, const AttentionArgs& args) const override {
    if (table_.workspace_bytes == nullptr) return 0;
    const flashcore_attention_v2 c_args = c_args_of(variant, args);
    return table_.workspace_bytes(table_.context, variant, &c_args);
  }
  std::size_t plan_bytes(std::size_t variant, const AttentionArgs& args) const override {
    if (table_.plan_bytes == nullptr || table_.plan == nullptr) return 0;
    const flashcore_attention_v2 c_args = c_args_of(variant, args);
    return table_.plan_bytes(table_.context, variant, &c_args);
  }
  int plan(std::size_t variant, const AttentionArgs& args, void* stream) const override {
    const flashcore_attention_v2 c_args = c_args_of(variant, args);
    return table_.plan(table_.context, variant, &c_args, args.plan, stream);
  }
  bool plans_on_device(std::size_t variant) const override {
    return table_.plan == nullptr || (rows_[variant].capabilities & FLASHCORE_CAN_PLAN_ON_DEVICE) != 0;
  }
  int launch(std::size_t variant, const AttentionArgs& args, void* stream) const override {
    const flashcore_attention_v2 c_args = c_args_of(variant, args);
    return table_.launch(table_.context, variant, &c_args, stream);
  }
  bool knows_resources(std::size_t) const override {
    return table_.resources != nullptr && table_.backend == FLASHCORE_CUDA;
  }
  int resources(std::size_t variant, const AttentionArgs& args, Resources& found) const override {
    const flashcore_attention_v2 c_args = c_args_of(variant, args);
    flashcore_resources_v2 c_resources = {.struct_size = sizeof(c_resources)};
    const int code = table_.resources(table_.context, variant, &c_args, &c_resources);
    found = from_c(c_resources);
    return code;
  }
  const char* kernel_name(std::size_t) const override { return nullptr; }
  std::string file_hash() const override { return file_hash_; }

 private:
  flashcore_attention_v2 c_args_of(std::size_t variant, const AttentionArgs& args) const {
    return to_c_v2(args, static_cast<Dtype>(rows_[variant].dtype));
  }

  CTable table_;
  std::vector<PluginTable::Row> rows_;
  std::string file_hash_;
};

// The struct_size of a variant is also the distance to the next one.
std::vector<PluginTable::Row> read_rows(const CTable& table, const PluginFile& file) {
  std::vector<PluginTable::Row> rows;
  if (table.variants == nullptr || table.num_variants == 0) return rows;
  const std::size_t size = table.variants[0].struct_size;
  if (size < kLeastVariant || size % alignof(CVariant) != 0) {
    file.fail(
        fmt::format("variants[0]: struct_size is {}, but must be sizeof(flashcore_plugin_variant_v2)", size));
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(table.variants);
  for (std::size_t i = 0; i < table.num_variants; ++i) {
    const auto variant = read_sized<CVariant>(bytes + i * size, size);
    if (variant.struct_size != size) {
      file.fail(fmt::format("variants[{}]: struct_size is {}, but that of variants[0] is {}", i,
                            variant.struct_size, size));
    }
    rows.push_back(row_of(variant, known_bits(variant.capabilities)));
  }
  return rows;
}

}  // namespace

OpenPlugin read_plugin_v2(const flashcore_plugin_table_v2& plugin, const PluginFile& file) {
  if (plugin.struct_size < kLeastTable) {
    file.fail(
        fmt::format("struct_size is {}, but must be sizeof(flashcore_plugin_table_v2)", plugin.struct_size));
  }
  const auto table = read_sized<CTable>(&plugin, plugin.struct_size);
  if (table.num_variants > kMaxPluginVariants) {
    file.fail(fmt::format("num_variants is {}, the limit is {}", table.num_variants, kMaxPluginVariants));
  }
  if (table.plan != nullptr && table.plan_bytes == nullptr) file.fail("plan is set, but plan_bytes is null");
  OpenPlugin open{.table = {.abi_version = 2,
                            .backend = table.backend,
                            .family = table.family == nullptr ? "" : table.family,
                            .summary = table.summary == nullptr ? "" : table.summary,
                            .has_launch = table.launch != nullptr,
                            .has_resources = table.resources != nullptr,
                            .variants = read_rows(table, file)}};
  open.functions = std::make_unique<PluginFamilyV2>(table, open.table.variants, file.hash());
  return open;
}

}  // namespace flashcore
