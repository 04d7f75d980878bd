// Every kernel's machine code is found under the name that the runtime has for it.
#include <algorithm>
#include <cctype>

#include "gpu/gpu_test.hpp"
#include "registry/registry.hpp"
#include "registry/supports.hpp"

namespace flashcore {
namespace {

class CodeHashTest : public GpuTest {};

TEST_F(CodeHashTest, EveryKernelThatCanRunHereHasOne) {
  EXPECT_EQ(executor().device().code_problem, "");
  for (const Variant* variant : all_variants()) {
    if (variant->kernel_name() == nullptr) continue;
    const std::string hash = executor().code_hash(*variant);
    const bool runs = unsupported_reason(*variant, target_of(executor().device())).empty();
    if (!runs && hash.empty()) continue;
    EXPECT_EQ(hash.size(), 16u) << variant->id();
    for (const unsigned char digit : hash) EXPECT_TRUE(std::isxdigit(digit)) << variant->id();
  }
}

// A library's kernels have a hash as soon as there is a problem.
TEST_F(CodeHashTest, PlansOfCudnnHaveOne) {
  const auto& all = all_variants();
  const auto peer = std::ranges::find_if(
      all, [](const Variant* variant) { return variant->id() == "peer_cudnn/fp16_d64"; });
  ASSERT_NE(peer, all.end());
  const Problem problem{.batch = 1, .heads_q = 2, .heads_kv = 2, .seq_q = 64, .seq_kv = 64, .scale = 0.125};
  const auto hash = [&](const Problem& of) {
    executor().prepare(of, 1);
    if (const std::string reason = executor().unsupported(**peer); !reason.empty())
      return "unsupported: " + reason;
    return executor().code_hash(**peer);
  };
  const std::string one = hash(problem);
  if (one.starts_with("unsupported")) GTEST_SKIP() << one;
  EXPECT_EQ(one.size(), 16u);
  EXPECT_EQ(hash(problem), one);
}

}  // namespace
}  // namespace flashcore
