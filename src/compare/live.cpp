#include "compare/live.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>

#include "base/interrupt.hpp"
#include "compare/outcome.hpp"
#include "compare/resample.hpp"
#include "measure/sample_block.hpp"

namespace flashcore {
namespace {

// The reason why the check failed; empty if it passed.
std::string check_failure(Executor& executor, const Variant& variant, const CheckPolicy& policy) {
  try {
    const Check check = executor.verify(variant, policy);
    return check.passed ? "" : "incorrect: " + check.reason;
  } catch (const EnvironmentError& error) {
    return error.what();
  }
}

// One variant in both builds.
struct LiveRow {
  const Variant* variant;
  std::string base_failure;  // the reason why it cannot be timed; empty if it can
  std::string next_failure;
  bool base_supports = true;
  bool next_supports = true;
  std::vector<double> block_medians;  // of log(new / base)
  std::vector<double> base_us;
  std::vector<double> next_us;
  bool same_code = false;
  bool has_bad_time = false;  // one side gave a time that is none

  bool can_be_timed() const { return base_failure.empty() && next_failure.empty(); }
};

LiveRow make_row(const Variant& variant, Executor& base, Executor& next, const CheckPolicy& policy) {
  LiveRow live{.variant = &variant};
  live.base_failure = base.unsupported(variant);
  live.next_failure = next.unsupported(variant);
  live.base_supports = live.base_failure.empty();
  live.next_supports = live.next_failure.empty();
  if (live.base_supports) live.base_failure = check_failure(base, variant, policy);
  if (live.next_supports) live.next_failure = check_failure(next, variant, policy);
  if (live.can_be_timed()) {
    const std::string code = base.code_hash(variant);
    live.same_code = !code.empty() && code == next.code_hash(variant);
  }
  return live;
}

// The first sample of a side warms it up and is not kept. A side that fails is not timed again.
void run_block(LiveRow& live, Executor& base, Executor& next, const LivePolicy& policy,
               std::mt19937_64& random) {
  std::vector<double> logs;
  const bool base_leads_even_pairs = random() % 2 == 0;
  const auto take = [&](Executor& executor, std::string& failure) {
    try {
      return sample_block(executor, *live.variant, policy.mode, 1).us.front();
    } catch (const BadTimeError& error) {
      failure = error.what();
      live.has_bad_time = true;
    } catch (const EnvironmentError& error) {
      failure = error.what();
    }
    return 0.0;
  };
  for (int pair = -1; pair < policy.pairs && live.can_be_timed() && !interrupt_requested(); ++pair) {
    const bool base_first = (pair % 2 == 0) == base_leads_even_pairs;
    double base_us = base_first ? take(base, live.base_failure) : 0;
    const double next_us = take(next, live.next_failure);
    if (!base_first) base_us = take(base, live.base_failure);
    if (pair < 0 || !live.can_be_timed()) continue;
    live.base_us.push_back(base_us);
    live.next_us.push_back(next_us);
    logs.push_back(std::log(next_us / base_us));
  }
  if (!logs.empty()) live.block_medians.push_back(median_of(std::move(logs)));
}

Ratio ratio_of(const std::vector<double>& block_medians) {
  const auto count = static_cast<double>(block_medians.size());
  const double mean = std::accumulate(block_medians.begin(), block_medians.end(), 0.0) / count;
  double squares = 0;
  for (const double value : block_medians) squares += (value - mean) * (value - mean);
  const double half = kLiveQuantile * std::sqrt(squares / (count - 1) / count);
  return {std::exp(mean), std::exp(mean - half), std::exp(mean + half)};
}

Verdict verdict_of(const Ratio& ratio, double tolerance) {
  const double limit = 1 + tolerance;
  if (ratio.value > limit && ratio.low > 1) return Verdict::slower;
  if (ratio.value < 1 / limit && ratio.high < 1) return Verdict::faster;
  return ratio.high > limit ? Verdict::unclear : Verdict::same;
}

RowVerdict row_verdict(const Problem& problem, const LiveRow& live, const LivePolicy& policy) {
  RowVerdict row{
      .problem = problem, .family = std::string(live.variant->family), .variant = live.variant->id()};
  row.mode = policy.mode;
  row.tolerance = policy.compare.tolerance(problem, row.variant);
  row.same_code = live.same_code;
  if (!live.next_failure.empty()) {
    const Verdict on_both_sides = live.has_bad_time ? Verdict::unclear : Verdict::same;
    row.verdict = live.base_failure.empty() ? Verdict::broken : on_both_sides;
    row.note = live.base_failure.empty() ? live.next_failure : "on both sides " + live.next_failure;
  } else if (!live.base_failure.empty()) {
    row.verdict = live.has_bad_time ? Verdict::unclear : Verdict::added;
    row.note = "base: " + live.base_failure;
  } else if (static_cast<int>(live.block_medians.size()) < kLiveBlocks) {
    row.verdict = Verdict::unclear;
    row.note = "interrupted";
  } else {
    row.base_us = median_of(live.base_us);
    row.new_us = median_of(live.next_us);
    row.ratio = ratio_of(live.block_medians);
    row.verdict = verdict_of(*row.ratio, row.tolerance);
    if (live.same_code) row.note = "same machine code";
  }
  apply_policy(row, policy.compare);
  return row;
}

}  // namespace

std::vector<RowVerdict> compare_live(const Problem& problem, std::span<const Variant* const> variants,
                                     Executor& base, Executor& next, const LivePolicy& policy,
                                     const OnLiveBlock& on_block) {
  std::mt19937_64 random(policy.seed);
  std::vector<LiveRow> live_rows;
  for (int block = 0; block < kLiveBlocks && !interrupt_requested(); ++block) {
    // The side that prepares first finds different free memory, so each side is first equally often.
    Executor& first = block % 2 == 0 ? base : next;
    Executor& second = block % 2 == 0 ? next : base;
    first.prepare(problem, policy.seed);
    second.prepare(problem, policy.seed);
    if (live_rows.empty()) {
      for (const Variant* variant : variants)
        live_rows.push_back(make_row(*variant, base, next, policy.check));
    }
    for (LiveRow& live : live_rows) {
      if (!live.can_be_timed()) continue;
      on_block(block, live.variant->id());
      run_block(live, base, next, policy, random);
    }
  }
  std::vector<RowVerdict> rows;
  for (const LiveRow& live : live_rows) {
    if (live.base_supports || live.next_supports) rows.push_back(row_verdict(problem, live, policy));
  }
  return rows;
}

}  // namespace flashcore
