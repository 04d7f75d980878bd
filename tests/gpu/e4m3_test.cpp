// e4m3 on the device: every variant over a grid of masks, groups and outputs, wrong factors told, timed runs.
#include <fmt/format.h>

#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "attention/problem_fields.hpp"
#include "gpu/gpu_test.hpp"
#include "registry/registry.hpp"
#include "registry/supports.hpp"
#include "run/deep_check.hpp"
#include "unit/support/kernel_variant.hpp"

namespace flashcore {
namespace {

class E4m3Test : public GpuTest {
 protected:
  // Variants that can run the prepared problem.
  static std::vector<const Variant*> runnable() {
    std::vector<const Variant*> found;
    for (const Variant* variant : all_variants()) {
      if (executor().unsupported(*variant).empty()) found.push_back(variant);
    }
    return found;
  }

  static Problem usual_problem(std::int64_t head_dim) {
    return {.batch = 2,
            .heads_q = 4,
            .heads_kv = 2,
            .seq_q = 300,
            .seq_kv = 517,
            .head_dim = head_dim,
            .dtype = Dtype::e4m3,
            .scale = default_scale(head_dim)};
  }
};

// --- What is listed. Needs no device

constexpr DeviceLimits kHopper = {
    .compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024, .num_sms = 132};

// Why wgmma_fp8 cannot run a problem of head_dim 128, or "".
std::string why_not(const std::function<void(AttentionArgs&)>& change, DeviceLimits device = kHopper) {
  Problem problem{
      .seq_q = 64, .seq_kv = 64, .head_dim = 128, .dtype = Dtype::e4m3, .scale = default_scale(128)};
  AttentionArgs args = attention_args(problem);
  change(args);
  const Variant* variant = find_variant("wgmma_fp8/e4m3_d128_q128_kv128_w12_s2_ov1_pp1_sch1");
  if (variant == nullptr) return "there is no such variant";
  return unsupported_reason(*variant, problem, args, {.backend = Backend::cuda, .limits = device});
}

TEST(E4m3Variants, TakeDescaleFactorsAtTheirHeadDims) {
  for (const int head_dim : {64, 128, 256}) {
    int found = 0;
    for (const Variant* variant : all_variants()) {
      if (variant->backend != Backend::cuda || variant->spec.dtype != Dtype::e4m3) continue;
      found += variant->spec.head_dim == head_dim;
    }
    EXPECT_GT(found, 0) << head_dim;
  }
}

TEST(E4m3Variants, SayWhatTheyCannotRun) {
  EXPECT_EQ(why_not([](AttentionArgs&) {}), "");
  EXPECT_EQ(why_not([](AttentionArgs& args) { args.kv.v.row += 8; }),
            "strides must be multiples of 16 elements (16 bytes)");
  EXPECT_EQ(why_not([](AttentionArgs& args) { args.scale = -1; }),
            "the scale must be positive: it is folded into the exponent");
  DeviceLimits ampere = kHopper;
  ampere.compute_capability = 80;
  EXPECT_EQ(why_not([](AttentionArgs&) {}, ampere), "the device's compute capability is too low");
}

// --- All masks with all else

class E4m3GridTest : public E4m3Test, public ::testing::WithParamInterface<std::tuple<std::int64_t, Dtype>> {
 protected:
  static std::vector<Problem> grid() {
    const auto [head_dim, out_dtype] = GetParam();
    Problem base = usual_problem(head_dim);
    base.out_dtype = out_dtype;
    base.lse = true;
    std::vector<Problem> problems{base};
    const auto multiply = [&](const auto& choices, auto apply) {
      std::vector<Problem> all;
      for (const Problem& problem : problems) {
        for (const auto& choice : choices) {
          all.push_back(problem);
          apply(all.back(), choice);
        }
      }
      problems = std::move(all);
    };
    using Pair = std::pair<std::int64_t, std::int64_t>;
    const Pair lengths[] = {{1, 1}, {1, 300}, {113, 203}, {256, 256}, {300, 130}, {517, 1025}};
    multiply(lengths, [](Problem& p, const Pair& l) { p.seq_q = l.first, p.seq_kv = l.second; });
    multiply(std::vector{false, true}, [](Problem& p, bool causal) { p.causal = causal; });
    const Pair windows[] = {{-1, -1}, {70, 5}};
    multiply(windows, [](Problem& p, const Pair& w) { p.window_left = w.first, p.window_right = w.second; });
    multiply(std::vector{0.0, 3.0}, [](Problem& p, double cap) { p.softcap = cap; });
    const Pair heads[] = {{2, 2}, {6, 2}, {4, 1}};
    multiply(heads, [](Problem& p, const Pair& h) { p.heads_q = h.first, p.heads_kv = h.second; });
    return problems;
  }
};

TEST_P(E4m3GridTest, EveryVariantAgreesWithTheReference) {
  int ran = 0;
  for (const Problem& problem : grid()) {
    executor().prepare(problem, 1);
    for (const Variant* variant : runnable()) {
      const Check check = executor().verify(*variant, {});
      EXPECT_TRUE(check.passed) << variant->id() << " on " << problem_id(problem) << ": " << check.reason;
      ++ran;
    }
  }
  if (ran == 0) GTEST_SKIP() << "no variant takes e4m3 here";
}

INSTANTIATE_TEST_SUITE_P(Cuda, E4m3GridTest,
                         ::testing::Combine(::testing::Values(64, 128, 256),
                                            ::testing::ValuesIn(kOutputDtypes)),
                         [](const auto& instance) {
                           return fmt::format("d{}_{}", std::get<0>(instance.param),
                                              to_string(std::get<1>(instance.param)));
                         });

// --- The check

// Launches the right variant with arguments that `change` spoils.
template <class Change>
Variant with_changed_arguments(const Variant& variant, Change) {
  static Variant right = {};
  right = variant;
  return testing::with_launch(variant, [](const AttentionArgs& args, void* stream) {
    AttentionArgs wrong = args;
    Change{}(wrong);
    return right.launch(wrong, stream);
  });
}

TEST_F(E4m3Test, CheckTellsFactorsOfAnotherTensor) {
  executor().prepare(usual_problem(128), 3);
  const std::vector<const Variant*> variants = runnable();
  if (variants.empty()) GTEST_SKIP() << "no variant takes e4m3 here";
  const Variant& right = *variants.front();
  const auto passes = [&](auto change) {
    return executor().verify(with_changed_arguments(right, change), {}).passed;
  };
  EXPECT_TRUE(passes([](AttentionArgs&) {}));
  EXPECT_FALSE(passes([](AttentionArgs& args) { args.v_descale = args.k_descale; }));
  EXPECT_FALSE(passes([](AttentionArgs& args) { args.q_descale = nullptr; }));
  EXPECT_FALSE(passes([](AttentionArgs& args) { args.k_descale = args.v_descale; }));
  EXPECT_FALSE(passes([](AttentionArgs& args) {
    args.out_dtype = args.out_dtype == Dtype::fp16 ? Dtype::bf16 : Dtype::fp16;
  }));
}

TEST_F(E4m3Test, OtherFamiliesSayThatTheyAreForAnotherDtype) {
  executor().prepare(usual_problem(128), 3);
  for (const Variant* variant : all_variants()) {
    if (variant->backend != Backend::cuda || variant->spec.dtype == Dtype::e4m3) continue;
    EXPECT_EQ(executor().unsupported(*variant), "compiled for another dtype") << variant->id();
  }
}

// --- A whole run: clocks, rotated inputs, and answers that are still right afterwards

TEST_F(E4m3Test, EveryClockTicksAndAnswersStayRight) {
  for (const std::int64_t head_dim : {64, 128, 256}) {
    executor().prepare(usual_problem(head_dim), 3);
    for (const Variant* variant : runnable()) {
      for (const TimingMode mode : {TimingMode::hot, TimingMode::cold, TimingMode::call}) {
        EXPECT_GT(executor().sample(*variant, mode).us, 0) << variant->id();
        EXPECT_EQ(executor().verify_sample(*variant, mode, {}).check.reason, "") << variant->id();
      }
      EXPECT_EQ(executor().verify(*variant, {}).reason, "") << variant->id();
    }
  }
}

TEST_F(E4m3Test, DeepCheckPasses) {
  for (const std::int64_t head_dim : {64, 128, 256}) {
    const Problem problem = usual_problem(head_dim);
    executor().prepare(problem, 3);
    const std::vector<const Variant*> variants = runnable();
    const std::vector<CaseOutcome> outcomes =
        run_cases(problem, variants, {}, 3, executor(), [](std::string_view) {});
    for (std::size_t i = 0; i < variants.size(); ++i) {
      EXPECT_EQ(outcomes[i].reason, "") << variants[i]->id();
      EXPECT_GT(outcomes[i].tried, 20) << variants[i]->id();
    }
  }
}

}  // namespace
}  // namespace flashcore
