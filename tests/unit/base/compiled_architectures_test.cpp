#include "base/compiled_architectures.hpp"

#include <gtest/gtest.h>

namespace flashcore {
namespace {

constexpr const char* kShipped = "80-real;89-real;90a-real";

TEST(CompiledArchitectures, MachineCodeRunsOnLaterDevicesOfItsMajorNumber) {
  EXPECT_EQ(code_capability(kShipped, 75), std::nullopt);
  EXPECT_EQ(code_capability(kShipped, 80), 80);
  EXPECT_EQ(code_capability(kShipped, 86), 80);
  EXPECT_EQ(code_capability(kShipped, 89), 89);
  EXPECT_EQ(code_capability(kShipped, 90), 90);
}

TEST(CompiledArchitectures, NoShippedCodeRunsOnBlackwell) {
  for (const int capability : {100, 103, 110, 120, 121}) {
    EXPECT_EQ(code_capability(kShipped, capability), std::nullopt) << capability;
  }
  EXPECT_EQ(
      no_code_reason(kShipped, 120),
      "this program is compiled for 80-real, 89-real, 90a-real, and has no code for compute capability 12.0; "
      "build it with -DCMAKE_CUDA_ARCHITECTURES=120-real");
  EXPECT_EQ(no_code_reason(kShipped, 90), "");
  EXPECT_TRUE(no_code_reason("80-real", 90).ends_with("=90a-real"));
}

TEST(CompiledArchitectures, PtxRunsOnAllLaterDevices) {
  EXPECT_EQ(code_capability("80-virtual", 120), 80);
  EXPECT_EQ(code_capability("80", 120), 80);
  EXPECT_EQ(code_capability("80;100", 120), 100);
  EXPECT_EQ(code_capability("90-virtual", 89), std::nullopt);
}

TEST(CompiledArchitectures, SpecificFeaturesRunWhereTheyAre) {
  EXPECT_EQ(code_capability("90a", 100), std::nullopt);
  EXPECT_EQ(code_capability("90a-virtual", 90), 90);
  EXPECT_EQ(code_capability("100a-real", 103), std::nullopt);
  EXPECT_EQ(code_capability("100f-real", 103), 100);
  EXPECT_EQ(code_capability("100f", 120), std::nullopt);
}

TEST(CompiledArchitectures, WhatIsUnknownIsLeftToTheDriver) {
  EXPECT_EQ(no_code_reason("", 120), "");
  EXPECT_EQ(no_code_reason("native", 120), "");
  EXPECT_EQ(list_architectures("80-real,,90"), (std::vector<std::string>{"80-real", "90"}));
}

}  // namespace
}  // namespace flashcore
