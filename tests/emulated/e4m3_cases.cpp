#include "emulated/e4m3_cases.hpp"

#include <cstring>

namespace flashcore::emulated {

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

void expect_right_on_special_inputs(const CompiledKernel& variant) {
  const Problem problem{.heads_q = 2, .heads_kv = 2, .seq_q = 70, .seq_kv = 150, .causal = true, .lse = true};
  for (const kernels::InputKind kind : kAll<kernels::InputKind>) {
    if (kind == kernels::InputKind::minus_infinity) continue;  // e4m3 has no infinity
    EXPECT_EQ(failure_of(variant, problem, kind), "") << variant.id() << " " << to_string(kind);
  }
}

void expect_exact_means(const CompiledKernel& variant) {
  constexpr std::int64_t kKeys = 2048;
  constexpr unsigned char kValue = 0x3F;  // 1.875, with all bits of the significand
  const Problem problem{.heads_q = 1,
                        .heads_kv = 1,
                        .seq_q = 1,
                        .seq_kv = kKeys,
                        .head_dim = variant.spec.head_dim,
                        .dtype = Dtype::e4m3,
                        .out_dtype = Dtype::fp16,
                        .scale = 1.0 / 128};
  HostBuffers buffers(problem, 1, kernels::InputKind::normal);
  AttentionArgs args = buffers.args({});
  std::vector<std::byte> workspace(variant.workspace_bytes(args));
  args.workspace = workspace.data();
  args.q_descale = args.k_descale = args.v_descale = nullptr;
  std::memset(const_cast<void*>(args.q), 0, static_cast<std::size_t>(problem.head_dim));
  std::memset(const_cast<void*>(args.v), kValue, static_cast<std::size_t>(problem.head_dim * kKeys));
  ASSERT_EQ(variant.launch(args, nullptr), 0);
  for (const float mean : buffers.outputs().read_out()) ASSERT_NEAR(mean, 1.875f, 0.01f) << variant.id();
}

void expect_missing_factors_are_one(const CompiledKernel& variant) {
  const Problem problem{.heads_q = 2,
                        .heads_kv = 2,
                        .seq_q = 5,
                        .seq_kv = 40,
                        .head_dim = 128,
                        .dtype = Dtype::e4m3,
                        .scale = 1.0 / 128};
  HostBuffers buffers(problem, 1, kernels::InputKind::normal);
  AttentionArgs args = buffers.args({});
  std::vector<std::byte> workspace(variant.workspace_bytes(args));
  args.workspace = workspace.data();
  const std::vector<float> ones(2, 1.0f);
  std::vector<float> outputs[2];
  for (const bool given : {false, true}) {
    args.q_descale = args.k_descale = args.v_descale = given ? ones.data() : nullptr;
    ASSERT_EQ(variant.launch(args, nullptr), 0);
    outputs[given] = buffers.outputs().read_out();
  }
  EXPECT_EQ(outputs[0], outputs[1]);
}

}  // namespace flashcore::emulated
