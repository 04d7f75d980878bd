// Plug-ins: shared objects that export the table of capi/flashcore.h.
#pragma once

#include <string>
#include <string_view>

namespace flashcore {

// Loads a shared object and appends its family to the registry. Must be called from one thread, before
// variants are selected. Throws UsageError that starts with `where` (a flag) and the path if the file cannot
// be loaded, lacks the symbol, has another ABI version, or has an invalid table. After an error the registry
// is unchanged.
void load_plugin(const std::string& path, std::string_view where);

}  // namespace flashcore
