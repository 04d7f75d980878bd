#include "plugin/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string>
#include <utility>

#include "capi/flashcore.h"
#include "plugin/plugin_family.hpp"

namespace flashcore {
namespace {

// A path without a slash is relative to the working directory; dlopen() would search the library path for it.
void* open_object(const PluginFile& file) {
  const bool is_bare = file.path().find('/') == std::string::npos;
  const std::string path = is_bare ? "./" + file.path() : file.path();
  void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) file.fail(fmt::format("cannot be loaded: {}", dlerror()));
  return object;
}

// The table of the object's function; null if it has no such function.
template <class Table>
const Table* call_plugin(void* object, const char* symbol, const PluginFile& file) {
  using Function = const Table* (*)();
  const auto function = reinterpret_cast<Function>(dlsym(object, symbol));
  if (function == nullptr) return nullptr;
  const Table* table = function();
  if (table == nullptr) file.fail(fmt::format("{} returned no table", symbol));
  return table;
}

}  // namespace

OpenPlugin open_plugin(const PluginFile& file) {
  void* object = open_object(file);
  if (const auto* v2 = call_plugin<flashcore_plugin_table_v2>(object, FLASHCORE_PLUGIN_SYMBOL_V2, file)) {
    return read_plugin_v2(*v2, file);
  }
  const auto* v1 = call_plugin<flashcore_plugin>(object, FLASHCORE_PLUGIN_SYMBOL, file);
  if (v1 == nullptr) {
    file.fail(fmt::format("does not export {} or {}", FLASHCORE_PLUGIN_SYMBOL, FLASHCORE_PLUGIN_SYMBOL_V2));
  }
  return read_plugin_v1(*v1, file);
}

void load_plugin(const std::string& path, std::string_view where) {
  const PluginFile file(path, where);
  OpenPlugin open = open_plugin(file);
  check_table(open.table, file);
  add_plugin_family(std::move(open.table), std::move(open.functions));
}

}  // namespace flashcore
