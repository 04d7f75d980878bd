// The table of a plug-in as values, and the variants that are made of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore {

// What flashcore_plugin_v1() or flashcore_plugin_v2() tells. Numbers are as the plug-in gave them: check_table() says
// whether they are valid.
struct PluginTable {
  std::int32_t abi_version = 0;  // 1 or 2
  int backend = 0;
  std::string family;
  std::string summary;
  bool has_launch = false;
  bool has_resources = false;
  // A variant of a plug-in: kSpecFields without dtype, and its shared memory.
  struct Row {
    int dtype = 0;
    int head_dim = 0;
    Tile tile;
    int smem_bytes = 0;
    std::int64_t capabilities = 0;  // plugin/capabilities.hpp
  };
  std::vector<Row> variants;
};

// A plug-in's file. Every error message starts with flag and path: "--plugin: ./libmine.so".
class PluginFile {
 public:
  PluginFile(std::string path, std::string_view where) : path_(std::move(path)), where_(where) {}

  const std::string& path() const { return path_; }
  // "--plugin: ./libmine.so".
  std::string place() const;
  [[noreturn]] void fail(std::string_view reason) const;  // throws UsageError
  // The hash of the file's bytes.
  std::string hash() const;

 private:
  std::string path_;
  std::string where_;
};

// Throws UsageError that names the file if the table is not one of a family that can be added to the registry.
void check_table(const PluginTable& table, const PluginFile& file);

// Adds the family of a checked table to the registry. `kernels` are its functions, with the table's indices.
void add_plugin_family(PluginTable table, std::unique_ptr<Family> kernels);

}  // namespace flashcore
