#include "registry/supports.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "variant/compiled_kernel.hpp"

namespace flashcore {
namespace {

struct KnowsChunks {
  static constexpr std::string_view kProblemFields[] = {"mask", "chunk"};
};
struct KnowsNoField {};

TEST(Supports, AFamilyRefusesFieldsThatItDoesNotName) {
  const Problem plain{.seq_q = 8, .seq_kv = 8, .scale = 1};
  Problem chunks = plain;
  chunks.mask = MaskKind::chunk;
  chunks.chunk = 4;
  Variant variant{.family = "f", .spec = {.dtype = plain.dtype, .head_dim = 64}, .backend = Backend::cpu};
  const Target cpu;

  variant.problem_fields = problem_fields_of<KnowsNoField>();
  EXPECT_EQ(unsupported_reason(variant, plain, cpu), "");
  EXPECT_EQ(unsupported_reason(variant, chunks, cpu), "the family does not support mask = chunk");
  variant.problem_fields = problem_fields_of<KnowsChunks>();
  EXPECT_EQ(unsupported_reason(variant, chunks, cpu), "");
  chunks.kv_dtype = Dtype::e4m3;
  EXPECT_EQ(unsupported_reason(variant, chunks, cpu), "the family does not support kv_dtype = e4m3");
}

// Its own code fails where it is asked.
class FailingFamily final : public Family {
 public:
  const char* unsupported(std::size_t, const AttentionArgs&, const DeviceLimits&) const override {
    throw EnvironmentError("it died", Status::timeout);
  }
  std::size_t workspace_bytes(std::size_t, const AttentionArgs&) const override { return 0; }
  int launch(std::size_t, const AttentionArgs&, void*) const override { return 0; }
  bool knows_resources(std::size_t) const override { return false; }
  int resources(std::size_t, const AttentionArgs&, Resources&) const override { return 1; }
  const char* kernel_name(std::size_t) const override { return nullptr; }
};

TEST(Supports, AFailureOfTheVariantsCodeIsAReason) {
  const FailingFamily family;
  const Variant variant{.family = "f", .spec = {.dtype = Dtype::fp16, .head_dim = 64}, .kernels = &family};
  EXPECT_THROW((void)unsupported_reason(variant, Target{}), EnvironmentError);
  const SupportAnswer answer = ask_support(variant, Target{});
  EXPECT_TRUE(answer.failed);
  EXPECT_EQ(answer.reason, "timeout: it died");
  const SupportAnswer refused = ask_support(variant, Target{.backend = Backend::cuda});
  EXPECT_FALSE(refused.failed);
  EXPECT_EQ(refused.reason, "runs on the CPU");
}

}  // namespace
}  // namespace flashcore
