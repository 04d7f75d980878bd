#include "registry/selector.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.hpp"
#include "registry/registry.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

// A small ladder that does not depend on the build.
class SelectorTest : public ::testing::Test {
 protected:
  SelectorTest() {
    const auto add = [&](std::string_view family, Backend backend, Dtype dtype, Tile tile) {
      Variant variant;
      variant.family = family;
      variant.backend = backend;
      variant.spec = {dtype, 64, tile};
      ladder_.push_back(variant);
    };
    add("plain", Backend::cpu, Dtype::fp16, {});
    add("rung", Backend::cuda, Dtype::fp16, {32, 32, 4, 1});
    add("rung", Backend::cuda, Dtype::fp16, {64, 32, 4, 1});
    add("rung", Backend::cuda, Dtype::bf16, {32, 32, 4, 1});
    add("rung_async", Backend::cuda, Dtype::fp16, {32, 64, 4, 2});
    for (const Variant& variant : ladder_) variants_.push_back(&variant);
  }

  std::vector<std::string> ids(const Selector& selector) const {
    std::vector<std::string> selected;
    for (const Variant* variant : selector.select(variants_)) selected.push_back(variant->id());
    return selected;
  }

  std::vector<Variant> ladder_;
  std::vector<const Variant*> variants_;
};

using Ids = std::vector<std::string>;

TEST_F(SelectorTest, WithoutTermsSelectsAll) { EXPECT_EQ(ids({}).size(), ladder_.size()); }

TEST_F(SelectorTest, KeepsLadderOrderWithoutDuplicates) {
  Selector selector;
  selector.add_glob("rung_async/*", "/variants/0");
  selector.add_glob("rung/bf16*", "/variants/1");
  selector.add_glob("*/bf16*", "/variants/2");
  EXPECT_EQ(ids(selector), (Ids{"rung/bf16_d64_q32_kv32_w4_s1", "rung_async/fp16_d64_q32_kv64_w4_s2"}));
}

TEST_F(SelectorTest, ExclusionAppliesAtAnyPosition) {
  Selector selector;
  selector.add_glob("!*/bf16*", "/variants/0");
  selector.add_glob("rung/*", "/variants/1");
  EXPECT_EQ(ids(selector), (Ids{"rung/fp16_d64_q32_kv32_w4_s1", "rung/fp16_d64_q64_kv32_w4_s1"}));
}

TEST_F(SelectorTest, OnlyExclusionsStartFromAll) {
  Selector selector;
  selector.add_glob("!rung*", "--variants");
  EXPECT_EQ(ids(selector), Ids{"plain/fp16_d64"});
}

TEST_F(SelectorTest, FiltersMustAllHold) {
  Selector selector;
  selector.add_filters({{"family", {"rung"}}, {"block_q", {"64", "128"}}}, "/variants/0");
  EXPECT_EQ(ids(selector), Ids{"rung/fp16_d64_q64_kv32_w4_s1"});

  Selector by_backend;
  by_backend.add_filters({{"backend", {"cuda"}}, {"dtype", {"bf16"}}}, "/variants/0");
  EXPECT_EQ(ids(by_backend), Ids{"rung/bf16_d64_q32_kv32_w4_s1"});
}

TEST_F(SelectorTest, UnknownFamilyNamesTheNearest) {
  Selector selector;
  selector.add_glob("rugn/*", "--variants");
  EXPECT_USAGE_ERROR(ids(selector), "--variants: \"rugn/*\": no variant matches, did you mean rung/*?");
}

TEST_F(SelectorTest, FamilyWithoutAStarGetsASuggestion) {
  Selector selector;
  selector.add_glob("rung_async", "--variants");
  EXPECT_USAGE_ERROR(ids(selector), "did you mean rung_async/*?");
}

TEST_F(SelectorTest, UnknownTileOfAKnownFamilyNamesTheNearestId) {
  Selector selector;
  selector.add_glob("rung/fp16_d64_q64_kv64_w4_s1", "--variants");
  EXPECT_USAGE_ERROR(ids(selector), "did you mean rung/fp16_d64_q64_kv32_w4_s1?");
}

TEST_F(SelectorTest, FilterWithoutMatchListsTheValues) {
  Selector selector;
  selector.add_filters({{"family", {"rung"}}, {"block_q", {"48"}}}, "/variants/0");
  EXPECT_USAGE_ERROR(ids(selector), "no variant has block_q 48; there are: 0, 32, 64");

  Selector misspelt;
  misspelt.add_filters({{"family", {"rugn"}}}, "/variants/0");
  EXPECT_USAGE_ERROR(ids(misspelt), "no variant has family rugn, did you mean rung?");

  Selector apart;
  apart.add_filters({{"family", {"plain"}}, {"block_q", {"64"}}}, "/variants/0");
  EXPECT_USAGE_ERROR(ids(apart), "no variant passes all filters of this term");
}

TEST_F(SelectorTest, MalformedTermsAreRejected) {
  Selector selector;
  EXPECT_USAGE_ERROR(selector.add_filters({{"blok_q", {"64"}}}, "/variants/0"),
                     "/variants/0/blok_q: unknown attribute, did you mean block_q?");
  EXPECT_USAGE_ERROR(selector.add_filters({}, "/variants/0"), "needs at least one attribute");
  EXPECT_USAGE_ERROR(selector.add_glob("", "--variants"), "--variants: the pattern is empty");
  EXPECT_USAGE_ERROR(selector.add_glob("!", "--variants"), "--variants: the pattern is empty");
}

TEST_F(SelectorTest, NothingLeftIsAnError) {
  Selector selector;
  selector.add_glob("rung/*", "/variants/0");
  selector.add_glob("!rung*", "/variants/1");
  EXPECT_USAGE_ERROR(ids(selector), "/variants/1: excludes all selected variants");
}

TEST(Selector, FamilyNotInThisBuildIsAReasonNotAnError) {
  const auto& families = declared_families();
  const auto left_out = std::ranges::find(families, false, &DeclaredFamily::compiled_in);
  if (left_out == families.end()) GTEST_SKIP() << "every family is compiled in";
  const std::string glob = std::string(left_out->name) + "/*";
  Selector selector;
  selector.add_glob(glob, "/variants/0");
  EXPECT_USAGE_ERROR(selector.select(all_variants()), "which this program was built without");
  selector.add_glob("cpu_*", "/variants/1");
  EXPECT_FALSE(selector.select(all_variants()).empty());
  ASSERT_EQ(selector.families_left_out().size(), 1u);
}

TEST(Selector, EveryAttributeHasAValue) {
  ASSERT_FALSE(all_variants().empty());
  for (std::string_view name : attribute_names()) {
    EXPECT_FALSE(attribute_value(*all_variants().front(), name).empty()) << name;
  }
}

}  // namespace
}  // namespace flashcore
