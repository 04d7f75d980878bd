// Check depths: what each launches, that kernels which are wrong in one case alone are caught, and that the
// CPU families and the reference keep to the rule for non-finite inputs.
#include "run/deep_check.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "execute/cpu_executor.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "registry/registry.hpp"
#include "run/run.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/kernel_variant.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using kernels::InputKind;
using testing::Behaviour;
using testing::fake_variant;
using testing::FakeExecutor;

const auto kSilent = [](std::string_view) {};

Problem seed_problem() {
  Problem problem{.name = "seed", .heads_q = 4, .heads_kv = 2, .seq_q = 40, .seq_kv = 70};
  problem.scale = default_scale(problem.head_dim);
  return problem;
}

// --- Depths, on a scripted executor

Record run_one(FakeExecutor& executor, const Variant& variant, CheckDepth depth) {
  struct : Sink {
    void add(const Record& record) override { last = record; }
    Record last;
  } sink;
  struct : Progress {
    void update(std::int64_t, std::int64_t, std::string_view) override {}
  } progress;
  const RunPolicy policy{.check_policy = {.depth = depth},
                         .measure = {.modes = {TimingMode::hot}, .min_samples = 3, .max_samples = 3}};
  const Problem problems[] = {seed_problem()};
  const Variant* variants[] = {&variant};
  Sink* sinks[] = {&sink};
  run(problems, variants, policy, executor, sinks, progress);
  return sink.last;
}

Record run_one(Behaviour behaviour, CheckDepth depth) {
  FakeExecutor executor;
  const Variant variant = fake_variant("one");
  executor.set_script(variant.id(), {.behaviour = behaviour});
  return run_one(executor, variant, depth);
}

TEST(CheckDepth, QuickIsOneLaunch) {
  FakeExecutor executor;
  const Variant variant = fake_variant("one");
  const Record record = run_one(executor, variant, CheckDepth::quick);
  EXPECT_EQ(record.check->depth, CheckDepth::quick);
  EXPECT_TRUE(record.headline());
  EXPECT_EQ(std::ranges::count(executor.calls(), "verify " + variant.id()), 1);
  EXPECT_EQ(run_one(Behaviour::keeps_old_result, CheckDepth::quick).status, Status::ok);
  EXPECT_EQ(run_one(Behaviour::keeps_old_result, CheckDepth::standard).status, Status::incorrect);
}

TEST(CheckDepth, DeepNamesTheCaseThatFails) {
  const Record record = run_one(Behaviour::wrong_on_large_scores, CheckDepth::deep);
  EXPECT_EQ(record.status, Status::incorrect);
  EXPECT_FALSE(record.headline());
  testing::expect_contains(record.reason, "case large_scores (b1_");
  EXPECT_EQ(record.check->reason, record.reason);
  EXPECT_FALSE(record.check->passed);
  EXPECT_EQ(run_one(Behaviour::wrong_on_large_scores, CheckDepth::standard).status, Status::ok);
}

TEST(CheckDepth, DeepComparesBits) {
  testing::expect_contains(run_one(Behaviour::changes_its_bits, CheckDepth::deep).reason, "repeat 1: ");
  EXPECT_EQ(run_one(Behaviour::changes_its_bits, CheckDepth::standard).status, Status::ok);
}

TEST(CheckDepth, DeepCountsItsLaunches) {
  FakeExecutor executor;
  const Variant variant = fake_variant("one");
  const Record record = run_one(executor, variant, CheckDepth::deep);
  EXPECT_EQ(record.status, Status::ok) << record.reason;
  const std::size_t cases = common_cases(seed_problem(), 0).size() + edge_cases(seed_problem(), {}, 0).size();
  EXPECT_EQ(record.check->cases, static_cast<std::int64_t>(cases));
  EXPECT_EQ(std::ranges::count(executor.calls(), "verify " + variant.id()),
            static_cast<std::int64_t>(cases) + 1 + kRepeats + 1);  // own problem, repeats, after timing
}

TEST(CheckDepth, DeepTriesVariantsWithoutLogSumExpToo) {
  const Record record = run_one(Behaviour::knows_no_lse, CheckDepth::deep);
  EXPECT_EQ(record.status, Status::ok) << record.reason;
  EXPECT_EQ(record.check->cases, run_one(Behaviour::right, CheckDepth::deep).check->cases);
  EXPECT_TRUE(record.check->skipped_cases.empty());
}

TEST(CheckDepth, DeepDoesNotPassWithoutItsCases) {
  static_assert(testing::kOneLength == 40);  // of seed_problem(), and of no case
  const Record record = run_one(Behaviour::takes_one_length, CheckDepth::deep);
  EXPECT_EQ(record.status, Status::error);
  EXPECT_FALSE(record.headline());
  EXPECT_FALSE(record.check->passed);
  EXPECT_EQ(record.check->cases, 0);
  const std::size_t cases = common_cases(seed_problem(), 0).size() + edge_cases(seed_problem(), {}, 0).size();
  EXPECT_EQ(record.check->skipped_cases.size(), cases);
  testing::expect_contains(record.reason, fmt::format("0 of {} cases could run", cases));
  testing::expect_contains(record.reason, "large_scores: the script says so");
}

TEST(CheckDepth, FailuresInACaseAreThatVariantsAlone) {
  FakeExecutor executor;
  const Variant variants[] = {fake_variant("one"), fake_variant("two")};
  const Variant* pointers[] = {&variants[0], &variants[1]};
  executor.set_script(variants[0].id(), {.behaviour = Behaviour::throws_in_verify});
  const auto outcomes = run_cases(seed_problem(), pointers, {}, 0, executor, kSilent);
  EXPECT_EQ(outcomes[0].status, Status::error);
  EXPECT_EQ(outcomes[0].tried, 1);
  EXPECT_EQ(outcomes[1].status, Status::ok);
}

TEST(CheckCases, AreValidAndNamedApart) {
  Problem problem = seed_problem();
  problem.heads_q = 24;
  problem.heads_kv = 8;
  std::vector<CheckCase> cases = common_cases(problem, 3);
  for (CheckCase& edge : edge_cases(problem, {.block_q = 1, .block_kv = 128}, 3)) cases.push_back(edge);
  std::set<std::string> names;
  for (const CheckCase& one : cases) {
    validate(one.problem, one.name);
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_EQ(one.problem.heads_q, 3 * one.problem.heads_kv);
  }
  EXPECT_TRUE(names.contains("edge_q2_kv129"));
  EXPECT_TRUE(names.contains("edge_q2_kv256"));
  EXPECT_TRUE(names.contains("edge_q1_kv128"));
  EXPECT_FALSE(names.contains("edge_q0_kv1"));
}

TEST(CheckCases, AskForTheLogSumExpExceptSome) {
  std::vector<CheckCase> cases = common_cases(seed_problem(), 3);
  for (CheckCase& edge : edge_cases(seed_problem(), {}, 3)) cases.push_back(edge);
  int without = 0;
  for (const CheckCase& one : cases) {
    EXPECT_EQ(one.problem.lse, !one.name.ends_with("_no_lse")) << one.name;
    without += one.problem.lse ? 0 : 1;
  }
  EXPECT_GE(without, 2);
}

TEST(CheckCases, HaveNoInfinityWhereTheDtypeHasNone) {
  const auto is_infinite = [](const CheckCase& one) { return one.inputs == InputKind::minus_infinity; };
  Problem problem = seed_problem();
  EXPECT_EQ(std::ranges::count_if(common_cases(problem, 3), is_infinite), 1);
  problem.dtype = Dtype::e4m3;
  EXPECT_EQ(std::ranges::count_if(common_cases(problem, 3), is_infinite), 0);
}

// --- The CPU families and the reference

std::vector<const Variant*> cpu_variants(const Problem& problem) {
  std::vector<const Variant*> found;
  for (const Variant* variant : all_variants()) {
    const bool meant = variant->spec.dtype == problem.dtype && variant->spec.head_dim == problem.head_dim;
    if (variant->backend == Backend::cpu && meant) found.push_back(variant);
  }
  return found;
}

void expect_all_pass(const Problem& problem) {
  const auto variants = cpu_variants(problem);
  ASSERT_GE(variants.size(), 6u);
  const auto executor = make_cpu_executor();
  const auto outcomes = run_cases(problem, variants, {}, 5, *executor, kSilent);
  for (std::size_t i = 0; i < variants.size(); ++i) {
    EXPECT_EQ(outcomes[i].status, Status::ok) << variants[i]->id() << ": " << outcomes[i].reason;
    EXPECT_GT(outcomes[i].tried, 20);
  }
}

TEST(CpuCases, EveryFamilyPassesThem) {
  for (const Dtype dtype : kAll<Dtype>) {
    Problem problem = seed_problem();
    problem.dtype = dtype;
    problem.lse = true;
    expect_all_pass(problem);
    problem.causal = true;
    problem.window_left = 50;
    problem.softcap = 20;
    problem.heads_kv = 4;
    expect_all_pass(problem);
  }
}

const Variant& correct_variant() { return *find_variant("cpu_fused/fp16_d64_q32_kv64"); }

std::string failure_of(int (*launch)(const AttentionArgs&, void*)) {
  const Variant variant = testing::with_launch(correct_variant(), launch);
  const Variant* variants[] = {&variant};
  const auto executor = make_cpu_executor();
  return run_cases(seed_problem(), variants, {}, 5, *executor, kSilent).front().reason;
}

template <class Change>
void change_outputs(const AttentionArgs& args, Change change) {
  for (std::int64_t row = 0; row < args.sequences.seq_q; ++row) {
    auto* out = static_cast<kernels::Fp16*>(args.out) + row * args.out_stride.row;
    for (std::int64_t d = 0; d < args.head_dim; ++d) change(out[d]);
  }
}

TEST(CpuCases, CatchAKernelThatSwallowsNan) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    const int code = correct_variant().launch(args, nullptr);
    change_outputs(args, [](kernels::Fp16& x) { x.bits = std::isnan(to_float(x)) ? 0 : x.bits; });
    return code;
  });
  testing::expect_contains(reason, "case nan_query");
}

TEST(CpuCases, CatchAKernelThatDropsTheKeyAfterATile) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    AttentionArgs fewer = args;
    if (args.sequences.seq_kv == 65 && args.q_stride.row == args.head_dim) fewer.sequences.seq_kv = 64;
    return correct_variant().launch(fewer, nullptr);
  });
  testing::expect_contains(reason, "case edge_q1_kv65");
}

// As a running maximum that starts at 0 does: no key weighs anything.
TEST(CpuCases, CatchAKernelWhoseMaximumStartsAtZero) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    const int code = correct_variant().launch(args, nullptr);
    const bool is_low = args.lse != nullptr && args.lse[args.sequences.seq_q - 1] < -87;
    if (is_low) change_outputs(args, [](kernels::Fp16& x) { x.bits = 0; });
    return code;
  });
  testing::expect_contains(reason, "case low_scores_100 (");
}

TEST(CpuCases, CatchAKernelThatDropsTheLastKeyOfFullTiles) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    AttentionArgs fewer = args;
    if (args.sequences.seq_kv > 64 && args.sequences.seq_kv % 64 == 0) --fewer.sequences.seq_kv;
    return correct_variant().launch(fewer, nullptr);
  });
  testing::expect_contains(reason, "case edge_q1_kv128 (");
}

TEST(CpuCases, CatchAKernelWithoutLogSumExpOfOneQuery) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    AttentionArgs silent = args;
    if (args.sequences.seq_q == 1) silent.lse = nullptr;
    return correct_variant().launch(silent, nullptr);
  });
  testing::expect_contains(reason, "case edge_q1_kv1 (");
  testing::expect_contains(reason, "log-sum-exp values were not written");
}

TEST(CpuCases, CatchAKernelThatIsWrongWithoutLogSumExp) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    const int code = correct_variant().launch(args, nullptr);
    if (args.lse == nullptr) change_outputs(args, [](kernels::Fp16& x) { x.bits ^= 0x8000; });
    return code;
  });
  testing::expect_contains(reason, "case masked_rows_no_lse (");
}

template <class Change>
int launch_with_strides(const AttentionArgs& args, Change change) {
  AttentionArgs changed = args;
  change(changed.kv.k);
  change(changed.kv.v);
  return correct_variant().launch(changed, nullptr);
}

TEST(CpuCases, CatchAKernelThatTakesAStrideOfZeroForNone) {
  const std::string heads = failure_of([](const AttentionArgs& args, void*) {
    const std::int64_t packed = std::int64_t{args.sequences.seq_kv} * args.head_dim;
    return launch_with_strides(args, [&](Strides& s) { s.head = s.head == 0 ? packed : s.head; });
  });
  testing::expect_contains(heads, "case shared_heads (");
  const std::string batches = failure_of([](const AttentionArgs& args, void*) {
    const std::int64_t packed = std::int64_t{args.heads_kv} * args.sequences.seq_kv * args.head_dim;
    return launch_with_strides(args, [&](Strides& s) { s.batch = s.batch == 0 ? packed : s.batch; });
  });
  testing::expect_contains(batches, "case shared_batches (");
}

TEST(CpuCases, CatchAKernelWithOffsetsOf31Bits) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    return launch_with_strides(args, [](Strides& s) { s.batch %= std::int64_t{1} << 31; });
  });
  testing::expect_contains(reason, "case far_batches (");
}

TEST(CheckDepth, DeepSkipsFarBatchesWhereMemoryIsShort) {
  struct : FakeExecutor {
    void prepare(const Problem& problem, std::uint64_t seed, InputKind inputs) override {
      if (problem.layout == Layout::far_batches) throw OutOfMemoryError("16.0 GiB are too many");
      FakeExecutor::prepare(problem, seed, inputs);
    }
  } executor;
  const Record record = run_one(executor, fake_variant("one"), CheckDepth::deep);
  EXPECT_EQ(record.status, Status::ok) << record.reason;
  EXPECT_EQ(record.check->skipped_cases, (std::vector<std::string>{"far_batches: 16.0 GiB are too many"}));
}

// The error of the whole output hides it: 2 % of an eighth of the elements.
TEST(CpuCases, CatchAHeadThatIsOffByTwoPercent) {
  const Variant variant = testing::with_launch(
      *find_variant("cpu_fused/bf16_d64_q32_kv64"), [](const AttentionArgs& args, void*) {
        const int code = find_variant("cpu_fused/bf16_d64_q32_kv64")->launch(args, nullptr);
        auto* out = static_cast<kernels::Bf16*>(args.out) + 5 * args.out_stride.head;
        for (std::int64_t i = 0; i < args.out_stride.head; ++i) {
          // The largest elements stay, so that no single error is large.
          const float value = to_float(out[i]);
          out[i] = kernels::from_float<kernels::Bf16>(std::fabs(value) < 0.4f ? 1.02f * value : value);
        }
        return code;
      });
  Problem problem{.name = "heads", .heads_q = 8, .heads_kv = 8, .seq_q = 128, .seq_kv = 128};
  problem.dtype = Dtype::bf16;
  problem.scale = default_scale(problem.head_dim);
  const auto executor = make_cpu_executor();
  executor->prepare(problem, 5, InputKind::normal);
  const Check check = executor->verify(variant, {});
  EXPECT_FALSE(check.passed);
  EXPECT_LE(check.error.rel_l2, check.limit.rel_l2);
  testing::expect_contains(check.reason, "the relative L2 error of one head is 0.0");
  testing::expect_contains(check.reason, "at (batch 0, head 5)");
}

TEST(CpuCases, CatchAKernelThatWritesIntoGaps) {
  const std::string reason = failure_of([](const AttentionArgs& args, void*) {
    const int code = correct_variant().launch(args, nullptr);
    if (args.out_stride.row > args.head_dim) static_cast<kernels::Fp16*>(args.out)[args.head_dim].bits = 0;
    return code;
  });
  testing::expect_contains(reason, "case gaps (");
  testing::expect_contains(reason, "outside of the output");
}

// --- The inputs themselves

float element(InputKind kind, kernels::InputTensor tensor, std::int64_t row, std::int64_t column) {
  const kernels::InputSource source{kind, Dtype::bf16, tensor, 77, 331};
  return input_value(source, {row, column, static_cast<std::uint64_t>(64 * row + column)});
}

TEST(Inputs, LargeScoresAreExactInEveryDtype) {
  std::set<float> scores;
  for (int key = 0; key < 331; ++key) {
    const float k = element(InputKind::large_scores, kernels::InputTensor::k, key, 0);
    EXPECT_EQ(kernels::to_float(kernels::from_float<kernels::Bf16>(k)), k);
    const float score =
        kernels::kAdversarialScale * element(InputKind::large_scores, kernels::InputTensor::q, 0, 0) * k;
    EXPECT_EQ(kernels::to_float(kernels::from_float<kernels::Bf16>(score)), score);
    scores.insert(score);
  }
  EXPECT_EQ(*scores.begin(), -1000);
  EXPECT_EQ(*scores.rbegin(), 1000);
  EXPECT_EQ(scores.size(), 16u);
}

TEST(Inputs, LowScoresAreExactInEveryDtypeAndGrow) {
  const std::pair<InputKind, float> kinds[] = {{InputKind::low_scores_100, -104},
                                               {InputKind::low_scores_1000, -1000},
                                               {InputKind::low_scores_10000, -9984}};
  for (const auto& [kind, highest] : kinds) {
    std::vector<float> scores;
    for (int key = 0; key < 331; ++key) {
      const float k = element(kind, kernels::InputTensor::k, key, 0);
      const float score = kernels::kAdversarialScale * element(kind, kernels::InputTensor::q, 3, 0) * k;
      for (const float value : {k, score}) {
        EXPECT_EQ(kernels::to_float(kernels::from_float<kernels::Bf16>(value)), value);
        EXPECT_EQ(kernels::to_float(kernels::from_float<kernels::Fp16>(value)), value);
      }
      scores.push_back(score);
    }
    EXPECT_EQ(*std::ranges::max_element(scores), highest);
    EXPECT_LT(std::ranges::max(std::span(scores).first(64)), std::ranges::max(std::span(scores).last(64)));
  }
}

TEST(Inputs, SubnormalsStaySoInTheirDtype) {
  for (int row = 0; row < 50; row += 2) {
    const float value = element(InputKind::subnormal, kernels::InputTensor::v, row, 3);
    const kernels::Bf16 rounded = kernels::from_float<kernels::Bf16>(value);
    EXPECT_EQ(rounded.bits & 0x7f80, 0) << row;
    EXPECT_NE(rounded.bits & 0x7f, 0) << row;
  }
}

}  // namespace
}  // namespace flashcore
