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

// Needs a compute capability, as kernels with newer instructions do.
class DemandingFamily final : public Family {
 public:
  const char* unsupported(std::size_t, const AttentionArgs&, const DeviceLimits& limits) const override {
    return limits.compute_capability < 89 ? "the device's compute capability is too low" : nullptr;
  }
  std::size_t workspace_bytes(std::size_t, const AttentionArgs&) const override { return 0; }
  int launch(std::size_t, const AttentionArgs&, void*) const override { return 0; }
  bool knows_resources(std::size_t) const override { return false; }
  int resources(std::size_t, const AttentionArgs&, Resources&) const override { return 1; }
  const char* kernel_name(std::size_t) const override { return nullptr; }
};

TEST(Supports, ADeviceThatNoCompiledArchitectureFits) {
  const DemandingFamily family;
  Variant variant{.family = "f",
                  .spec = {.dtype = Dtype::fp16, .head_dim = 64},
                  .backend = Backend::cuda,
                  .kernels = &family};
  const auto reason = [&](int capability, std::string_view architectures) {
    return unsupported_reason(
        variant,
        Target{.backend = Backend::cuda, .limits = {capability, 0, 1}, .architectures = architectures});
  };
  EXPECT_EQ(reason(90, "80-real;89-real;90a-real"), "");
  EXPECT_EQ(
      reason(120, "80-real;89-real;90a-real"),
      "this program is compiled for 80-real, 89-real, 90a-real, and has no code for compute capability 12.0; "
      "build it with -DCMAKE_CUDA_ARCHITECTURES=120-real");
  EXPECT_EQ(reason(80, "80-real"), "the device's compute capability is too low");
  EXPECT_EQ(reason(120, "80-virtual"),
            "its code for this device is compiled for 8.0: the device's compute capability is too low");
  EXPECT_EQ(reason(120, "89-virtual"), "");
  variant.role = Role::plugin;  // brings its own code
  EXPECT_EQ(reason(120, "80-real"), "");
  variant.role = Role::peer;
  EXPECT_EQ(reason(120, "80-real"), "");
}

// As variants for batches of sequences: rectangular problems are for others.
class PagedFamily final : public Family {
 public:
  const char* unsupported(std::size_t, const AttentionArgs& args, const DeviceLimits&) const override {
    return args.sequences.is_ragged() && args.kv.is_paged() ? nullptr : "compiled for paged caches";
  }
  std::size_t workspace_bytes(std::size_t, const AttentionArgs&) const override { return 0; }
  int launch(std::size_t, const AttentionArgs&, void*) const override { return 0; }
  bool knows_resources(std::size_t) const override { return false; }
  int resources(std::size_t, const AttentionArgs&, Resources&) const override { return 1; }
  const char* kernel_name(std::size_t) const override { return nullptr; }
};

TEST(Supports, AVariantIsAskedForAProblemOfItsKind) {
  const PagedFamily family;
  static constexpr std::string_view kFields[] = {"lengths", "kv"};
  Variant variant{.family = "f",
                  .spec = {.dtype = Dtype::bf16, .head_dim = 128, .tile = {.ragged = 1, .paged = 1}},
                  .problem_fields = kFields,
                  .kernels = &family};
  EXPECT_EQ(unsupported_reason(variant, Target{}), "");
  variant.spec.tile = {};
  EXPECT_EQ(unsupported_reason(variant, Target{}), "compiled for paged caches");
}

class E4m3KvFamily final : public Family {
 public:
  static constexpr std::string_view kProblemFields[] = {"kv_dtype=e4m3"};

  const char* unsupported(std::size_t, const AttentionArgs& args, const DeviceLimits&) const override {
    return args.kv_dtype == Dtype::e4m3 ? nullptr : "compiled for K and V in e4m3";
  }
  std::size_t workspace_bytes(std::size_t, const AttentionArgs&) const override { return 0; }
  int launch(std::size_t, const AttentionArgs&, void*) const override { return 0; }
  bool knows_resources(std::size_t) const override { return false; }
  int resources(std::size_t, const AttentionArgs&, Resources&) const override { return 1; }
  const char* kernel_name(std::size_t) const override { return nullptr; }
};

TEST(Supports, KeysOfAnotherDtypeAreForVariantsWithThem) {
  const E4m3KvFamily family;
  const Variant variant{.family = "f",
                        .spec = {.dtype = Dtype::fp16, .head_dim = 64, .tile = {.kv_bits = 8}},
                        .problem_fields = problem_fields_of<E4m3KvFamily>(),
                        .kernels = &family};
  Problem problem{.scale = 1};
  EXPECT_EQ(unsupported_reason(variant, Target{}), "");
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "compiled for K and V in e4m3");
  problem.kv_dtype = Dtype::e4m3;
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "");
  problem.kv_dtype = Dtype::bf16;
  EXPECT_EQ(unsupported_reason(variant, problem, Target{}), "the family does not support kv_dtype = bf16");
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
