#include "emulated/kernel_test.hpp"
#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::InputKind;
using kernels::wgmma_tile;
using enum kernels::Interleave;
using enum kernels::Schedule;

template <int kHeadDim, Tile kTile>
Variant wgmma_fp8() {
  return kernels::make_variant<kernels::WgmmaFp8Kernel<VariantSpec{Dtype::e4m3, kHeadDim, kTile}>>();
}

// Blocks of keys that fill panels of V, and that end within one.
const std::vector<Variant> kVariants{
    wgmma_fp8<128, wgmma_tile(1, 128, 2, overlap, one_tile)>(),
    wgmma_fp8<64, wgmma_tile(1, 96, 2, overlap, persistent)>(),
    wgmma_fp8<256, wgmma_tile(1, 64, 2, none, one_tile)>(),
};

const std::vector<Variant> kPingPongVariants{
    wgmma_fp8<128, wgmma_tile(2, 224, 2, ping_pong, persistent)>(),
    wgmma_fp8<64, wgmma_tile(3, 128, 3, ping_pong, counter)>(),
};

const std::vector<Variant> kClusterVariants{
    wgmma_fp8<128, wgmma_tile(2, 128, 2, overlap, persistent, 2)>(),
    wgmma_fp8<64, wgmma_tile(1, 160, 2, none, one_tile, 2)>(),
};

class EmulatedWgmmaFp8Test : public testing::TestWithParam<Case> {};

TEST_P(EmulatedWgmmaFp8Test, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }
TEST_P(EmulatedWgmmaFp8Test, PingPongAgreesWithTheReference) {
  expect_right(kPingPongVariants, GetParam().problem);
}
TEST_P(EmulatedWgmmaFp8Test, ClusterAgreesWithTheReference) {
  expect_right(kClusterVariants, GetParam().problem);
}

// Heads, each with factors of its own, and O in fp16.
std::vector<Case> cases_of_factors() {
  const Problem heads{.batch = 2,
                      .heads_q = 4,
                      .heads_kv = 2,
                      .seq_q = 40,
                      .seq_kv = 150,
                      .out_dtype = Dtype::fp16,
                      .lse = true};
  Problem capped = heads;
  capped.softcap = 2;
  Problem window = heads;
  window.causal = true;
  window.window_left = 60;
  window.layout = Layout::bshd;
  Problem padded = heads;
  padded.layout = Layout::padded;
  padded.heads_q = 2;
  return {{"fp16", heads}, {"fp16_softcap", capped}, {"fp16_window", window}, {"fp16_padded", padded}};
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedWgmmaFp8Test, testing::ValuesIn(cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Factors, EmulatedWgmmaFp8Test, testing::ValuesIn(cases_of_factors()), case_name);

TEST(EmulatedWgmmaFp8, AgreesWithTheReferenceOnSpecialInputs) {
  const Problem problem{.heads_q = 2, .heads_kv = 2, .seq_q = 70, .seq_kv = 150, .causal = true, .lse = true};
  for (const InputKind kind : kernels::kAllInputKinds) {
    if (kind == InputKind::minus_infinity) continue;  // not in e4m3
    EXPECT_EQ(failure_of(kVariants.front(), problem, kind), "") << to_string(kind);
  }
}

// A launch without factors is one with factors of 1: O is the same bits.
TEST(EmulatedWgmmaFp8, MissingFactorsAreOne) {
  const Problem problem{.heads_q = 2,
                        .heads_kv = 2,
                        .seq_q = 5,
                        .seq_kv = 40,
                        .head_dim = 128,
                        .dtype = Dtype::e4m3,
                        .scale = 1.0 / 128};
  const Variant& variant = kVariants.front();
  CpuProblem buffers(problem, 1, InputKind::normal);
  ScaledAttentionArgs args = buffers.args(0);
  std::vector<std::byte> workspace(variant.workspace_bytes(args));
  args.workspace = workspace.data();
  const std::vector<float> ones(2, 1.0f);
  std::vector<float> outputs[2];
  for (const bool given : {false, true}) {
    args.q_descale = args.k_descale = args.v_descale = given ? ones.data() : nullptr;
    ASSERT_EQ(variant.run(args, nullptr), 0);
    outputs[given] = buffers.read_out();
  }
  EXPECT_EQ(outputs[0], outputs[1]);
}

}  // namespace
}  // namespace flashcore::emulated
