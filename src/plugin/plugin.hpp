// Families of other people, from shared objects that export the table of capi/flashcore.h.
#pragma once

#include <string>
#include <string_view>

namespace flashcore {

// Loads a shared object and appends its family to the registry, last in the ladder. Call it before variants
// are selected, from one thread. Throws UsageError that begins with `where` (a flag) and the path when the
// file cannot be loaded, lacks the symbol, has another ABI version, a family that exists already, or a table
// that says nothing sensible; the registry is then as it was.
void load_plugin(const std::string& path, std::string_view where);

}  // namespace flashcore
