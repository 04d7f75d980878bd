// Plug-ins: shared objects that export the table of capi/flashcore.h. The functions here run a plug-in's code in this
// process; worker/described_plugin.hpp has the way without.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "plugin/plugin_table.hpp"

namespace flashcore {

// A plug-in whose object is in this process. The object is never closed, because its functions are in it.
struct OpenPlugin {
  PluginTable table;
  std::unique_ptr<Family> functions;  // with the table's indices
};

// Loads the shared object, by version 2 of the interface if it exports both. Throws UsageError that names the file if it
// cannot be loaded, lacks the symbols, or has no table or one of another version; check_table() says whether the table
// is valid.
OpenPlugin open_plugin(const PluginFile& file);

// Loads a shared object and appends its family to the registry. Must be called from one thread, before
// variants are selected. Throws UsageError that starts with `where` (a flag) and the path if the file cannot
// be loaded, lacks the symbols, has another ABI version, or has an invalid table. After an error the registry
// is unchanged.
void load_plugin(const std::string& path, std::string_view where);

}  // namespace flashcore
