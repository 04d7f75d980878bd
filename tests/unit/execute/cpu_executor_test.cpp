// The CPU executor: that its check catches broken kernels, its clocks tick and its errors are clean.
#include "execute/cpu_executor.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "device/device.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "registry/registry.hpp"
#include "unit/support/kernel_variant.hpp"

namespace flashcore {
namespace {

Problem long_problem() {
  Problem problem{.heads_q = 2, .heads_kv = 1, .seq_q = 48, .seq_kv = 4096, .head_dim = 64};
  problem.scale = default_scale(problem.head_dim);
  problem.layout = Layout::padded;
  problem.lse = true;
  return problem;
}

const Variant& correct_variant() { return *find_variant("cpu_fused/fp16_d64_q32_kv64"); }

int launch_correct(const AttentionArgs& args) { return correct_variant().launch(args, nullptr); }

// A correct kernel whose launch is replaced.
Variant with_launch(int (*launch)(const AttentionArgs&, void*)) {
  return testing::with_launch(correct_variant(), launch);
}

kernels::Fp16* output_row(const AttentionArgs& args, std::int64_t head, std::int64_t row) {
  return kernels::row_pointer(static_cast<kernels::Fp16*>(args.out), args.out_stride, 0, head, row);
}

Check verify(const Variant& variant) {
  const auto executor = make_cpu_executor();
  executor->prepare(long_problem(), 7);
  return executor->verify(variant, {});
}

void expect_failure(const Variant& variant, const std::string& reason) {
  const Check check = verify(variant);
  EXPECT_FALSE(check.passed);
  EXPECT_NE(check.reason.find(reason), std::string::npos) << check.reason;
}

TEST(CpuExecutor, ACorrectKernelPasses) {
  const Check check = verify(correct_variant());
  EXPECT_TRUE(check.passed) << check.reason;
  EXPECT_EQ(check.unwritten, 0);
  EXPECT_EQ(check.out_of_bounds, 0);
  ASSERT_TRUE(check.lse_max_abs.has_value());
}

Problem ragged_problem() {
  Problem problem{.lengths = Lengths{.q = {3, 1, 9, 2}, .kv = {40, 7, 12, 25}},
                  .heads_q = 2,
                  .heads_kv = 1,
                  .head_dim = 64,
                  .causal = true,
                  .scale = default_scale(64)};
  problem.layout = default_layout(problem);
  apply_lengths(problem);
  return problem;
}

// Follows the lengths of its first launch, as a launch does that was captured with lengths of the host.
int launch_with_first_lengths(const AttentionArgs& args, void*) {
  static const std::vector<std::int32_t> cu_seqlens_q(args.sequences.cu_seqlens_q,
                                                      args.sequences.cu_seqlens_q + args.sequences.batch + 1);
  AttentionArgs old = args;
  old.sequences.cu_seqlens_q = cu_seqlens_q.data();
  return launch_correct(old);
}

TEST(CpuExecutor, ReplaysWithOtherLengthsAreRight) {
  const auto executor = make_cpu_executor();
  executor->prepare(ragged_problem(), 7);
  const Check check = executor->verify_replays(correct_variant(), {}, 10);
  EXPECT_TRUE(check.passed) << check.reason;
  EXPECT_TRUE(executor->verify(correct_variant(), {}).passed) << "the lengths are those of the problem again";
}

TEST(CpuExecutor, AKernelThatKeepsItsFirstLengthsIsFound) {
  const auto executor = make_cpu_executor();
  executor->prepare(ragged_problem(), 7);
  const Variant variant = with_launch(launch_with_first_lengths);
  EXPECT_TRUE(executor->verify(variant, {}).passed);
  const Check check = executor->verify_replays(variant, {}, 3);
  EXPECT_FALSE(check.passed);
  EXPECT_NE(check.reason.find("in the same memory: "), std::string::npos) << check.reason;
}

// Launches into memory of its own, which collect() copies to the output.
class CollectingFamily final : public testing::RelaunchedFamily {
 public:
  CollectingFamily() : RelaunchedFamily(correct_variant(), nullptr) {}

  int launch(std::size_t, const AttentionArgs& args, void*) const override {
    own_.resize(static_cast<std::size_t>(args.q_stride.batch));
    AttentionArgs own = args;
    own.out = own_.data();
    return launch_correct(own);
  }
  bool collects() const override { return true; }
  int collect(std::size_t, const AttentionArgs& args, void*) const override {
    ++collected;
    std::memcpy(args.out, own_.data(), own_.size() * sizeof(own_.front()));
    return 0;
  }
  mutable int collected = 0;

 private:
  mutable std::vector<std::uint16_t> own_;
};

TEST(CpuExecutor, OutputsThatAreElsewhereAreCollectedOncePerSample) {
  const CollectingFamily family;
  Variant variant = correct_variant();
  variant.kernels = &family;
  // So small that a sample has several launches in a slow build, too.
  Problem problem{.heads_q = 1, .heads_kv = 1, .seq_q = 2, .seq_kv = 2, .head_dim = 64};
  problem.scale = default_scale(problem.head_dim);
  const auto executor = make_cpu_executor();
  executor->prepare(problem, 7);
  EXPECT_TRUE(executor->verify(variant, {}).passed);
  const CheckedSample checked = executor->verify_sample(variant, TimingMode::hot, {});
  EXPECT_TRUE(checked.check.passed) << checked.check.reason;
  int launches = 1;  // on a busy machine it may stay one, which shows less
  for (int i = 0; i < 20 && launches == 1; ++i) {
    executor->prepare(problem, 7);
    executor->sample(variant, TimingMode::hot);  // the first sets the number of launches
    family.collected = 0;
    launches = executor->sample(variant, TimingMode::hot).launches;
    EXPECT_EQ(family.collected, 1);
  }
}

TEST(CpuExecutor, AllZeroOutputFailsAtLongSequences) {
  expect_failure(with_launch([](const AttentionArgs& args, void*) {
                   const int code = launch_correct(args);
                   for (int head = 0; head < args.heads_q; ++head) {
                     for (int row = 0; row < args.sequences.seq_q; ++row) {
                       std::memset(output_row(args, head, row), 0, 2 * 64);
                     }
                   }
                   return code;
                 }),
                 "the largest error is");
}

TEST(CpuExecutor, OutputThatIsOneRowOffFails) {
  expect_failure(with_launch([](const AttentionArgs& args, void*) {
                   const int code = launch_correct(args);
                   for (int row = args.sequences.seq_q - 1; row > 0; --row) {
                     std::memcpy(output_row(args, 1, row), output_row(args, 1, row - 1), 2 * 64);
                   }
                   return code;
                 }),
                 "head 1");
}

TEST(CpuExecutor, NanFails) {
  expect_failure(with_launch([](const AttentionArgs& args, void*) {
                   const int code = launch_correct(args);
                   output_row(args, 1, 40)[3].bits = 0x7e00;
                   return code;
                 }),
                 "not finite where the reference is, or the reverse at (batch 0, head 1, row 40, column 3)");
}

TEST(CpuExecutor, UnwrittenElementsFail) {
  const auto skip_last_row = [](const AttentionArgs& args, void*) {
    AttentionArgs fewer = args;
    fewer.sequences.batch = 1;
    fewer.heads_q = 1;
    return launch_correct(fewer);
  };
  expect_failure(with_launch(skip_last_row), "were not written at (batch 0, head 1, row 0, column 0)");
  expect_failure(with_launch([](const AttentionArgs&, void*) { return 0; }),
                 "6144 elements were not written");
}

TEST(CpuExecutor, UnwrittenLogSumExpFails) {
  expect_failure(with_launch([](const AttentionArgs& args, void*) {
                   AttentionArgs without = args;
                   without.lse = nullptr;
                   return launch_correct(without);
                 }),
                 "96 log-sum-exp values were not written");
}

TEST(CpuExecutor, WrongLogSumExpFails) {
  expect_failure(with_launch([](const AttentionArgs& args, void*) {
                   const int code = launch_correct(args);
                   args.lse[50] += 0.1f;
                   return code;
                 }),
                 "the log-sum-exp is off by 0.1");
}

TEST(CpuExecutor, WritesIntoGapsAndGuardsFail) {
  expect_failure(with_launch([](const AttentionArgs& args, void*) {
                   const int code = launch_correct(args);
                   output_row(args, 0, 0)[64].bits = 0;
                   return code;
                 }),
                 "1 elements outside of the output");
  expect_failure(with_launch([](const AttentionArgs& args, void*) {
                   const int code = launch_correct(args);
                   output_row(args, 0, 0)[-1].bits = 0;
                   args.lse[96] = 0;
                   return code;
                 }),
                 "2 elements outside of the output");
}

TEST(CpuExecutor, AFailingLaunchIsAnEnvironmentError) {
  EXPECT_THROW(verify(with_launch([](const AttentionArgs&, void*) { return EINVAL; })), EnvironmentError);
  EXPECT_THROW(verify(with_launch([](const AttentionArgs&, void*) { return ENOMEM; })), OutOfMemoryError);
}

TEST(CpuExecutor, TooLargeAProblemFailsBeforeWork) {
  Problem problem = long_problem();
  problem.heads_q = problem.heads_kv = 4096;
  problem.seq_q = problem.seq_kv = 1 << 20;
  const auto executor = make_cpu_executor();
  EXPECT_GT(executor->required_bytes(problem), executor->device().memory_bytes);
  EXPECT_THROW(executor->prepare(problem, 0), OutOfMemoryError);
}

TEST(CpuExecutor, UnsupportedSaysWhy) {
  const auto executor = make_cpu_executor();
  executor->prepare(long_problem(), 0);
  EXPECT_EQ(executor->unsupported(correct_variant()), "");
  EXPECT_EQ(executor->unsupported(*find_variant("cpu_scalar/bf16_d64")), "compiled for another dtype");
  EXPECT_EQ(executor->unsupported(*find_variant("cpu_scalar/fp16_d128")), "compiled for another head_dim");
}

TEST(CpuExecutor, EveryClockGivesATime) {
  const auto executor = make_cpu_executor();
  executor->prepare(long_problem(), 0);
  for (const TimingMode mode : kAll<TimingMode>) {
    EXPECT_GT(executor->sample(correct_variant(), mode).us, 0) << to_string(mode);
  }
}

TEST(CpuDevice, IsDescribed) {
  const DeviceInfo device = cpu_device();
  EXPECT_EQ(device.backend, Backend::cpu);
  EXPECT_NE(device.name, "");
  EXPECT_GE(device.limits.num_sms, 1);
  EXPECT_GT(device.l2_bytes, 1 << 16);
  EXPECT_GT(device.free_memory_bytes, 0);
  EXPECT_LE(device.free_memory_bytes, device.memory_bytes);
}

}  // namespace
}  // namespace flashcore
