// Every kernel's machine code is found under the name that the runtime has for it.
#include <cctype>

#include "gpu/gpu_test.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

class CodeHashTest : public GpuTest {};

TEST_F(CodeHashTest, EveryKernelThatCanRunHereHasOne) {
  EXPECT_EQ(executor().device().code_problem, "");
  for (const Variant* variant : all_variants()) {
    if (variant->kernel_name == nullptr) continue;
    const Problem problem{.seq_q = 128, .seq_kv = 128, .head_dim = variant->spec.head_dim};
    const std::string hash = executor().code_hash(*variant);
    const bool runs = variant->unsupported(attention_args(problem), executor().device().limits) == nullptr;
    if (!runs && hash.empty()) continue;
    EXPECT_EQ(hash.size(), 16u) << variant->id();
    for (const unsigned char digit : hash) EXPECT_TRUE(std::isxdigit(digit)) << variant->id();
  }
}

}  // namespace
}  // namespace flashcore
