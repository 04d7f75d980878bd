// Every kernel's machine code is found under the name that the runtime has for it.
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

}  // namespace
}  // namespace flashcore
