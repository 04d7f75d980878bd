// The families of plug-ins, one class per version of the interface.
#pragma once

#include "plugin/plugin.hpp"
#include "plugin/plugin_table.hpp"

namespace flashcore {

// A larger count means that the table was not initialised.
inline constexpr std::size_t kMaxPluginVariants = 4096;

// The row of a variant of either version.
template <class Variant>
PluginTable::Row row_of(const Variant& variant, std::int64_t capabilities) {
  return {.dtype = variant.dtype,
          .head_dim = variant.head_dim,
          .tile = {.block_q = variant.block_q,
                   .block_kv = variant.block_kv,
                   .num_warps = variant.num_warps,
                   .num_stages = variant.num_stages},
          .smem_bytes = variant.smem_bytes,
          .capabilities = capabilities};
}

// Throws UsageError that names the file if the table has another version, or numbers that no table has.
OpenPlugin read_plugin_v1(const flashcore_plugin& plugin, const PluginFile& file);
OpenPlugin read_plugin_v2(const flashcore_plugin_table_v2& plugin, const PluginFile& file);

}  // namespace flashcore
