// Flags that replace a key of the config.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "config/plan.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

Plan plan_with(const Overrides& overrides) {
  JsonDocument document(R"({"problems": {}, "measure": {"pacing": "sustained"}})", "c.json");
  apply(overrides, document);
  return make_plan(document, "test");
}

TEST(Overrides, PacingReplacesTheConfigs) {
  EXPECT_EQ(plan_with({}).policy.measure.pacing, Pacing::sustained);
  EXPECT_EQ(plan_with({.pacing = "burst"}).policy.measure.pacing, Pacing::burst);
}

TEST(Overrides, TimeoutReplacesTheDefault) {
  EXPECT_EQ(plan_with({}).policy.measure.timeout_s, 30);
  EXPECT_EQ(plan_with({.timeout_s = "1.5"}).policy.measure.timeout_s, 1.5);
}

TEST(Overrides, AnUnknownPacingNamesTheFlag) {
  try {
    plan_with({.pacing = "brust"});
    FAIL() << "nothing was thrown";
  } catch (const UsageError& error) {
    testing::expect_contains(error.what(), "--pacing: ");
    testing::expect_contains(error.what(), "did you mean burst?");
  }
}

TEST(Overrides, DepthReplacesTheConfigs) {
  EXPECT_EQ(plan_with({}).policy.check_policy.depth, CheckDepth::standard);
  EXPECT_EQ(plan_with({.depth = "quick"}).policy.check_policy.depth, CheckDepth::quick);
  EXPECT_THROW(plan_with({.depth = "deep", .no_check = true}), UsageError);
}

TEST(Overrides, RequireIsAListOfProperties) {
  EXPECT_TRUE(plan_with({}).policy.require.empty());
  EXPECT_EQ(plan_with({.require = {"batch_invariant"}}).policy.require,
            std::vector{Requirement::batch_invariant});
  EXPECT_USAGE_ERROR(plan_with({.require = {"batch_invariance"}}),
                     "--require: unknown word \"batch_invariance\", did you mean batch_invariant?");
  EXPECT_USAGE_ERROR(plan_with({.require = {"speed"}}), "batch_invariant");
  EXPECT_USAGE_ERROR(plan_with({.require = {"batch_invariant", "batch_invariant"}}), "appears twice");
  EXPECT_USAGE_ERROR(plan_with({.require = {"batch_invariant"}, .no_check = true}),
                     "--require: cannot be combined with --no-check");
}

}  // namespace
}  // namespace flashcore
