// The rule for problems that were not tuned, on a made-up device: times follow from a model of tiles and waves, so that
// the best variant of every problem is known and nothing is measured.
#include "tune/dispatch_rule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

#include "tune/dispatch_report.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

constexpr int kSms = 132;

// A kernel on a device with kSms multiprocessors: every wave takes a block's start and the larger of its arithmetic and
// its reads, and no launch is faster than its bytes from memory.
class ModelDevice {
 public:
  ModelDevice() {
    for (const int block_q : {16, 32, 64, 128}) {
      for (const int block_kv : {32, 64, 128}) {
        for (const int splits : {0, 4, 16}) {
          for (const int packs : {0, 1}) {
            if (splits > 0 && block_q > 32) continue;
            Variant variant = testing::fake_variant("model", {block_q, block_kv, 4, 2});
            variant.spec.tile.kv_split_blocks = splits;
            variant.spec.tile.pack_gqa = packs;
            variants_.push_back(variant);
          }
        }
      }
    }
  }

  double time_us(const Variant& variant, const Problem& p) const {
    const Tile& tile = variant.spec.tile;
    const auto group = static_cast<double>(p.heads_q / p.heads_kv);
    const bool packs = tile.pack_gqa != 0;
    const double rows = static_cast<double>(p.seq_q) * (packs ? group : 1);
    const double splits = std::max(tile.kv_split_blocks, 1);
    const double blocks = static_cast<double>(p.batch * (packs ? p.heads_kv : p.heads_q)) *
                          std::ceil(rows / tile.block_q) * splits;
    const double keys = static_cast<double>(p.seq_kv) / splits * (p.causal && p.seq_q > 1 ? 0.5 : 1.0);
    const double steps = std::ceil(keys / tile.block_kv);
    const double arithmetic_us = tile.block_q * tile.block_kv * 1.3e-4 * (1 + 12.0 / tile.block_q);
    const double reads_us = tile.block_kv * 0.006;
    const double block_us = 1.2 + steps * (0.1 + std::max(arithmetic_us, reads_us));
    const double waves = blocks / kSms;
    // Blocks end at different times, so that a wave that is not full costs a part of a full one.
    const double rounds = waves <= 1 ? 1 : (waves + std::ceil(waves)) / 2;
    const double from_memory_us = compulsory_bytes(p) / 3e6;
    const double merge_us = tile.kv_split_blocks > 0 ? 2.5 : 0;
    return 2 + merge_us + std::max(rounds * block_us, from_memory_us);
  }

  RulePoint tuned(const Problem& problem) const {
    RulePoint point{.problem = problem, .times = {}, .by_default = &variants_.front()};
    for (const Variant& variant : variants_) point.times.push_back({&variant, time_us(variant, problem), 1});
    return point;
  }

  // The chosen variant's time over the best one's, less 1.
  double loss(const Variant& chosen, const Problem& problem) const {
    double best = time_us(chosen, problem);
    for (const Variant& variant : variants_) best = std::min(best, time_us(variant, problem));
    return time_us(chosen, problem) / best - 1;
  }

  const Variant& by_default() const { return variants_.front(); }

 private:
  std::deque<Variant> variants_;
};

Problem model_problem(std::int64_t batch, std::int64_t seq_q, std::int64_t seq_kv) {
  Problem problem{
      .name = "p", .batch = batch, .heads_q = 32, .heads_kv = 8, .seq_q = seq_q, .seq_kv = seq_kv};
  problem.scale = default_scale(problem.head_dim);
  problem.causal = true;
  return problem;
}

// Problems of a serving engine: batches of 1 to 128 sequences that decode, or prompts in batches of up to 16.
std::vector<Problem> seeded_problems(bool decodes, int count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto between = [&](double low, double high) {
    const double share = static_cast<double>(random() >> 11) * 0x1p-53;
    return static_cast<std::int64_t>(low * std::pow(high / low, share));
  };
  std::vector<Problem> problems;
  for (int i = 0; i < count; ++i) {
    if (decodes) {
      problems.push_back(model_problem(between(1, 129), 1, between(256, 32768)));
    } else {
      const std::int64_t seq = between(128, 8192);
      problems.push_back(model_problem(between(1, 17), seq, seq));
    }
  }
  return problems;
}

bool runs_all(const Variant&) { return true; }

struct Outcome {
  DispatchLoss rule;
  DispatchLoss by_default;
  int slower_than_default = 0;
};

Outcome try_rule(const ModelDevice& device, bool decodes) {
  std::vector<RulePoint> points;
  for (const Problem& problem : seeded_problems(decodes, 64, 1)) points.push_back(device.tuned(problem));
  const DispatchRule rule(points, kSms);
  EXPECT_LE(rule.kept().size(), kMostKeptVariants);
  Outcome outcome;
  for (const Problem& problem : seeded_problems(decodes, 200, 2)) {
    const auto guess = rule.choose(problem, &device.by_default(), runs_all);
    const double loss = device.loss(guess ? *guess->variant : device.by_default(), problem);
    const double of_default = device.loss(device.by_default(), problem);
    outcome.rule.add(loss, 1);
    outcome.by_default.add(of_default, 1);
    outcome.slower_than_default += loss > of_default + 0.02 ? 1 : 0;
  }
  return outcome;
}

void report(const char* phase, const Outcome& outcome) {
  std::printf("%s: rule worst %+.1f %%, mean %+.2f %%; default worst %+.1f %%, mean %+.1f %%\n", phase,
              100 * outcome.rule.worst, 100 * outcome.rule.mean(), 100 * outcome.by_default.worst,
              100 * outcome.by_default.mean());
}

TEST(DispatchRule, PrefillOfProblemsThatWereNotTuned) {
  const Outcome outcome = try_rule(ModelDevice(), false);
  report("prefill", outcome);
  EXPECT_LE(outcome.rule.worst, 0.05);
  EXPECT_LE(outcome.rule.mean(), 0.01);
  EXPECT_EQ(outcome.slower_than_default, 0);
  EXPECT_GT(outcome.by_default.mean(), 0.1);
}

TEST(DispatchRule, DecodeOfProblemsThatWereNotTuned) {
  const Outcome outcome = try_rule(ModelDevice(), true);
  report("decode", outcome);
  EXPECT_LE(outcome.rule.worst, 0.05);
  EXPECT_LE(outcome.rule.mean(), 0.01);
  EXPECT_EQ(outcome.slower_than_default, 0);
  EXPECT_GT(outcome.by_default.mean(), 0.1);
}

}  // namespace
}  // namespace flashcore
