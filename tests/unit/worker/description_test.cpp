// Tables and arguments of plug-ins keep their values between two processes.
#include "worker/description.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.hpp"
#include "capi/flashcore.h"
#include "unit/support/usage_error.hpp"
#include "worker/protocol.hpp"

namespace flashcore {
namespace {

PluginTable table_of(const Json& json) {
  const JsonDocument document(to_line(json), "table");
  return plugin_table_from_json(JsonReader(document));
}

PluginTable sample_table() {
  PluginTable table{.abi_version = 2,
                    .backend = FLASHCORE_CUDA,
                    .family = "invented",
                    .summary = "two lines\nand \"quotes\"",
                    .has_launch = true,
                    .has_resources = true};
  table.variants.push_back(
      {.dtype = FLASHCORE_BF16, .head_dim = 64, .tile = {.block_q = 1, .num_stages = 4}});
  table.variants.push_back({.dtype = FLASHCORE_BF16,
                            .head_dim = 128,
                            .tile = {.block_kv = 2},
                            .smem_bytes = 3,
                            .capabilities = 5});
  return table;
}

TEST(Description, TablesKeepTheirValues) {
  const PluginTable back = table_of(to_json(sample_table()));
  EXPECT_EQ(to_json(back), to_json(sample_table()));
  EXPECT_EQ(back.variants[1].tile.block_kv, 2);
  EXPECT_EQ(back.variants[1].capabilities, 5);
  EXPECT_NO_THROW(check_table(back, PluginFile("p.so", "--plugin")));
}

TEST(Description, AProcessThatSendsAnInvalidTableIsNotTrusted) {
  const PluginFile file("p.so", "--plugin");
  PluginTable table = sample_table();
  table.variants[1] = table.variants[0];
  EXPECT_USAGE_ERROR(check_table(table, file), "--plugin: p.so: variants[1]: ");
  table.family = "../x";
  EXPECT_USAGE_ERROR(check_table(table, file), "--plugin: p.so: family ");
  Json json = to_json(sample_table());
  json["variants"] = 7;
  EXPECT_USAGE_ERROR(table_of(json), "/variants");
}

TEST(Description, StructsKeepTheirBytes) {
  const DeviceLimits limits = {90, 227 * 1024, 132};
  const JsonDocument document(to_line(bytes_to_json(limits)), "limits");
  const auto back = bytes_from_json<DeviceLimits>(JsonReader(document));
  EXPECT_EQ(std::memcmp(&back, &limits, sizeof(limits)), 0);
  for (const char* wrong : {"\"00\"", "7"}) {
    const JsonDocument other(wrong, "limits");
    EXPECT_THROW(bytes_from_json<DeviceLimits>(JsonReader(other)), UsageError);
  }
}

}  // namespace
}  // namespace flashcore
