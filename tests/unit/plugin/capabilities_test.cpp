// Capabilities of plug-ins are fields of problems.
#include "plugin/capabilities.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "attention/problem_fields.hpp"
#include "plugin/plugin.hpp"
#include "registry/supports.hpp"
#include "test_paths.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

std::set<std::string> declared_in_header() {
  const std::string header =
      testing::read_file(std::string(FLASHCORE_SOURCE_DIR) + "/src/capi/flashcore_v2.h");
  std::set<std::string> names;
  for (std::size_t at = header.find("FLASHCORE_CAN_"); at != std::string::npos;
       at = header.find("FLASHCORE_CAN_", at + 1)) {
    const std::size_t end = header.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", at);
    names.insert(header.substr(at, end - at));
  }
  names.erase("FLASHCORE_CAN_");  // "FLASHCORE_CAN_*" in comments
  return names;
}

TEST(Capabilities, TheTableHasTheConstantsOfTheHeader) {
  std::set<std::string> names;
  std::int64_t bits = 0;
  for (const Capability& capability : capabilities()) {
    std::string name = "FLASHCORE_CAN_" + std::string(capability.name);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    names.insert(name);
    EXPECT_EQ(bits & capability.bit, 0) << capability.name;
    bits |= capability.bit;
  }
  EXPECT_EQ(names, declared_in_header());
}

TEST(Capabilities, ThePageOfPluginsHasAllOfThem) {
  const std::string page = testing::read_file(std::string(FLASHCORE_SOURCE_DIR) + "/docs/plugins.md");
  for (const std::string& name : declared_in_header()) {
    const std::string word = "`" + name.substr(std::string("FLASHCORE_CAN_").size()) + "`";
    EXPECT_NE(page.find(word), std::string::npos) << word;
  }
}

TEST(Capabilities, EveryFieldThatFamiliesMustNameHasOne) {
  std::set<std::string_view> named;
  for (const Capability& capability : capabilities()) {
    for (const std::string_view field : capability.fields) named.insert(field.substr(0, field.find('=')));
  }
  for (const ProblemField& field : problem_fields()) {
    if (field.support == Support::opt_in) {
      EXPECT_EQ(named.count(field.name), 1u) << field.name;
    }
  }
  named.erase(kLseLayout);
  for (const std::string_view field : named) EXPECT_NE(find_problem_field(field), nullptr) << field;
}

TEST(Capabilities, VariantsOfVersion1HaveNoFieldToName) {
  EXPECT_TRUE(fields_of(kVersion1Capabilities).empty());
  EXPECT_TRUE(missing_fields_of(kVersion1Capabilities).empty());
  EXPECT_EQ(known_bits(~std::uint64_t{0}) & ~known_bits(0x1fff), 0);
}

TEST(Capabilities, AVariantHasTheBitsOfItsFields) {
  for (const Capability& capability : capabilities()) {
    Variant variant{.family = "f"};
    const std::vector<std::string_view> fields = fields_of(capability.bit);
    const std::vector<std::string_view> missing = missing_fields_of(capability.bit);
    variant.problem_fields = fields;
    variant.missing_fields = missing;
    EXPECT_EQ(capabilities_of(variant), capability.bit | FLASHCORE_CAN_PLAN_ON_DEVICE) << capability.name;
  }
}

TEST(Capabilities, OneMaskIsNotAllMasks) {
  Problem problem{.seq_q = 8, .seq_kv = 8, .scale = 1, .mask = MaskKind::bits};
  Variant variant{.family = "f", .spec = {.dtype = problem.dtype, .head_dim = 64}, .backend = Backend::cpu};
  const std::vector<std::string_view> chunks = fields_of(FLASHCORE_CAN_CHUNKS);
  const std::vector<std::string_view> bits = fields_of(FLASHCORE_CAN_MASK_BITS);
  variant.problem_fields = chunks;
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "the family does not support mask = bits");
  variant.problem_fields = bits;
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "");
  problem.mask = MaskKind::chunk;
  problem.chunk = 4;
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "the family does not support mask = chunk");
}

TEST(Capabilities, ALayoutOfTheLogSumExpIsRefusedByDefault) {
  const Problem problem{.seq_q = 8, .seq_kv = 8, .scale = 1, .lse = true};
  Variant variant{.family = "f", .spec = {.dtype = problem.dtype, .head_dim = 64}, .backend = Backend::cpu};
  AttentionArgs args = attention_args(problem);
  float lse = 0;
  args.lse_base = LseBase::two;
  EXPECT_EQ(unsupported_reason(variant, problem, args, Target{}), "");  // none is asked for
  args.lse = &lse;
  EXPECT_NE(unsupported_reason(variant, problem, args, Target{}), "");
  const std::vector<std::string_view> layout = fields_of(FLASHCORE_CAN_LSE_LAYOUT);
  variant.problem_fields = layout;
  EXPECT_EQ(unsupported_reason(variant, problem, args, Target{}), "");
}

TEST(Plugin, VariantsOfVersion2HaveTheFieldsOfTheirCapabilities) {
  const PluginFile file(FLASHCORE_RAGGED_PLUGIN, "--plugin");
  const OpenPlugin open = open_plugin(file);
  ASSERT_NO_THROW(check_table(open.table, file));
  const std::int64_t declared = open.table.variants[0].capabilities;
  const std::vector<std::string_view> fields = fields_of(declared);
  const Variant variant{.family = "ragged",
                        .spec = {.dtype = Dtype::bf16, .head_dim = 64},
                        .problem_fields = fields,
                        .kernels = open.functions.get()};
  Problem problem{.heads_q = 4, .heads_kv = 2, .dtype = Dtype::bf16, .scale = 1, .sinks = true};
  problem.lengths = Lengths{.q = {3, 1}, .kv = {5, 0}};
  problem.kv = {.layout = KvKind::paged, .page_size = 16};
  apply_lengths(problem);
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "");
  problem.kv_dtype = Dtype::e4m3;
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "the family does not support kv_dtype = e4m3");
  EXPECT_EQ(variant.plan_bytes(attention_args(problem)), 0u);
}

}  // namespace
}  // namespace flashcore
