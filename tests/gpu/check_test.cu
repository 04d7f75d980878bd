// The check catches kernels that are wrong in ways an error norm alone would miss.
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "gpu/gpu_test.hpp"
#include "kernels/blocks/block_position.cuh"
#include "registry/registry.hpp"
#include "unit/support/kernel_variant.hpp"

namespace flashcore {
namespace {

// Runs a right kernel, then spoils its output.
template <class Spoil>
Variant spoiled(Spoil) {
  static const Variant& right = *find_variant("wmma/fp16_d64_q32_kv32_w4_s1");
  CompiledKernel kernel = testing::described_like(right);
  kernel.family = "spoiled";
  kernel.launch = [](const AttentionArgs& args, void* stream) {
    const int code = right.launch(args, stream);
    return code != 0 ? code : Spoil{}(args, static_cast<cudaStream_t>(stream));
  };
  return testing::variant_of(kernel);
}

__half* last_row(const AttentionArgs& args) {
  return static_cast<__half*>(args.out) + (args.sequences.batch - 1) * args.out_stride.batch +
         (args.heads_q - 1) * args.out_stride.head + (args.sequences.seq_q - 1) * args.out_stride.row;
}

class CheckTest : public GpuTest {
 protected:
  Check check(const Variant& variant, Layout layout = Layout::bhsd) {
    const Problem problem{.batch = 2,
                          .heads_q = 2,
                          .heads_kv = 2,
                          .seq_q = 1000,
                          .seq_kv = 1000,
                          .head_dim = 64,
                          .scale = default_scale(64),
                          .layout = layout,
                          .lse = true};
    executor().prepare(problem, 3);
    return executor().verify(variant, {});
  }
};

TEST_F(CheckTest, PassesTheRightKernel) {
  const Check result = check(spoiled([](const AttentionArgs&, cudaStream_t) { return 0; }));
  EXPECT_TRUE(result.passed) << result.reason;
}

TEST_F(CheckTest, FailsAnAllZeroOutput) {
  const Check result = check(spoiled([](const AttentionArgs& args, cudaStream_t stream) -> int {
    return cudaMemsetAsync(args.out, 0, std::size_t(args.sequences.batch) * args.out_stride.batch * 2,
                           stream);
  }));
  EXPECT_FALSE(result.passed);
  EXPECT_NEAR(result.error.rel_l2, 1.0, 1e-3);
}

TEST_F(CheckTest, FailsRowsOfZeros) {
  const Check result = check(spoiled([](const AttentionArgs& args, cudaStream_t stream) -> int {
    return cudaMemsetAsync(last_row(args), 0, 64 * 2, stream);
  }));
  EXPECT_FALSE(result.passed);
}

TEST_F(CheckTest, FailsAnUnwrittenElement) {
  const Check result = check(spoiled([](const AttentionArgs& args, cudaStream_t stream) -> int {
    return cudaMemsetAsync(last_row(args) + 60, 0x7F, 2, stream);
  }));
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.error.nonfinite, 1);
}

TEST_F(CheckTest, FailsAWriteBehindTheOutput) {
  const Check result = check(spoiled([](const AttentionArgs& args, cudaStream_t stream) -> int {
    return cudaMemsetAsync(last_row(args) + 64, 0, 2, stream);
  }));
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.out_of_bounds, 1);
}

TEST_F(CheckTest, FailsAWriteIntoAGapBetweenRows) {
  const Check result = check(spoiled([](const AttentionArgs& args, cudaStream_t stream) -> int {
                               return cudaMemsetAsync(static_cast<__half*>(args.out) + 64, 0, 4, stream);
                             }),
                             Layout::padded);
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.out_of_bounds, 2);
}

TEST_F(CheckTest, FailsAWrongLogSumExp) {
  const Check result = check(spoiled([](const AttentionArgs& args, cudaStream_t stream) -> int {
    return cudaMemsetAsync(args.lse, 0, 4, stream);
  }));
  EXPECT_FALSE(result.passed);
}

}  // namespace
}  // namespace flashcore
