// The families of plug-ins, one class per version of the interface.
#pragma once

#include "plugin/plugin.hpp"

namespace flashcore {

// A larger count means that the table was not initialised.
inline constexpr std::size_t kMaxPluginVariants = 4096;

// Throws UsageError that names the file if the table has another version, or numbers that no table has.
OpenPlugin read_plugin_v1(const flashcore_plugin& plugin, const PluginFile& file);
OpenPlugin read_plugin_v2(const flashcore_plugin_table_v2& plugin, const PluginFile& file);

}  // namespace flashcore
