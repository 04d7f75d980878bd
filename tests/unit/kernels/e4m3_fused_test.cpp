// What the limits of e4m3 let pass: a fused kernel that rounds P to e4m3, tile by tile, is right on every
// case of a deep check; one that rounds it more coarsely is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "execute/cpu_executor.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "registry/registry.hpp"
#include "run/deep_check.hpp"
#include "unit/support/kernel_variant.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using namespace kernels;

constexpr std::int32_t kTileKeys = 64;
constexpr float kStretch = 256;  // of weights, as FlashAttention 3 has it; the unfused attention has 448

struct Row {
  std::int64_t batch, head;
  std::int32_t row;
};

float score_of(const AttentionArgs& args, const Row& at, std::int32_t key) {
  const std::int64_t head_kv = args.kv_head(at.head);
  const E4m3* q = row_pointer(static_cast<const E4m3*>(args.q), args.q_stride, at.batch, at.head, at.row);
  const E4m3* k = row_pointer(static_cast<const E4m3*>(args.k), args.kv.k, at.batch, head_kv, key);
  float dot = 0;
  for (std::int32_t d = 0; d < args.head_dim; ++d) dot += to_float(q[d]) * to_float(k[d]);
  const float score = args.scale * descale_of(args.q_descale, args, at.batch, head_kv) *
                      descale_of(args.k_descale, args, at.batch, head_kv) * dot;
  return args.softcap > 0 ? args.softcap * std::tanh(score / args.softcap) : score;
}

// Online softmax over tiles of keys; `round` is what becomes of a stretched weight.
template <class Round>
void attend_row(const AttentionArgs& args, const Row& at, Round round) {
  const KeyRange keys = args.visible_keys(at.batch, at.row);
  std::vector<float> out(static_cast<std::size_t>(args.head_dim));
  float row_max = -1e30f;
  float sum = 0;
  for (std::int32_t tile = keys.begin; tile < keys.end; tile += kTileKeys) {
    std::vector<float> scores;
    for (std::int32_t key = tile; key < std::min(tile + kTileKeys, keys.end); ++key) {
      scores.push_back(score_of(args, at, key));
    }
    const float new_max = std::max(row_max, *std::ranges::max_element(scores));
    const float rescale = std::exp(row_max - new_max);
    row_max = new_max;
    sum *= rescale;
    for (float& value : out) value *= rescale;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const float weight = kStretch * std::exp(scores[i] - row_max);
      sum += weight;
      const E4m3* v = row_pointer(static_cast<const E4m3*>(args.v), args.kv.v, at.batch,
                                  args.kv_head(at.head), tile + static_cast<std::int64_t>(i));
      for (std::size_t d = 0; d < out.size(); ++d) out[d] += round(weight) * to_float(v[d]);
    }
  }
  const float factor = descale_of(args.v_descale, args, at.batch, args.kv_head(at.head));
  Bf16* row = row_pointer(static_cast<Bf16*>(args.out), args.out_stride, at.batch, at.head, at.row);
  for (std::size_t d = 0; d < out.size(); ++d) {
    row[d] = from_float<Bf16>(sum == 0 ? 0.0f : factor * out[d] / sum);
  }
}

template <class Round>
int attend(const AttentionArgs& args, Round round) {
  for (std::int64_t batch = 0; batch < args.sequences.batch; ++batch) {
    for (std::int64_t head = 0; head < args.heads_q; ++head) {
      for (std::int32_t row = 0; row < args.sequences.seq_q; ++row)
        attend_row(args, {batch, head, row}, round);
    }
  }
  return 0;
}

int attend_rounding(const AttentionArgs& args, void*) {
  return attend(args, [](float weight) { return to_float(from_float<E4m3>(weight)); });
}

// To so many significant bits; the fraction that frexp gives lies from a half to one.
template <int kBits>
int attend_with_bits(const AttentionArgs& args, void*) {
  return attend(args, [](float weight) {
    int exponent = 0;
    const float fraction = std::frexp(weight, &exponent);
    return std::ldexp(std::nearbyint(std::ldexp(fraction, kBits)), exponent - kBits);
  });
}

// The reason why a deep check fails, or nothing.
std::string failure_of(int (*launch)(const AttentionArgs&, void*)) {
  CompiledKernel kernel = testing::described_like(*find_variant("cpu_fused/e4m3_d32_q32_kv64"));
  kernel.launch = launch;
  kernel.unsupported = [](const AttentionArgs& args, const DeviceLimits&) {
    return args.lse == nullptr ? nullptr : "gives no log-sum-exp";
  };
  const Variant variant = testing::variant_of(kernel);
  const Variant* variants[] = {&variant};
  Problem problem{.heads_q = 2, .seq_q = 40, .seq_kv = 70, .head_dim = 32, .dtype = Dtype::e4m3};
  problem.scale = default_scale(problem.head_dim);
  const auto executor = make_cpu_executor();
  const CaseOutcome outcome = run_cases(problem, variants, {}, 1, *executor, [](std::string_view) {}).front();
  EXPECT_TRUE(outcome.tried > 20 || outcome.status != Status::ok);
  return outcome.reason;
}

TEST(E4m3Fused, RoundingWeightsTileByTileIsRight) { EXPECT_EQ(failure_of(attend_rounding), ""); }

// e4m3 has four significant bits, e5m2 three.
TEST(E4m3Fused, CoarserWeightsAreNot) {
  EXPECT_EQ(failure_of(attend_with_bits<4>), "");
  testing::expect_contains(failure_of(attend_with_bits<3>), " error is ");
}

}  // namespace
}  // namespace flashcore
