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

// Why the side cannot be timed, or nothing.
std::string problem_of(Executor& executor, const Variant& variant, const CheckPolicy& policy) {
  try {
    const Check check = executor.verify(variant, policy);
    return check.passed ? "" : "incorrect: " + check.reason;
  } catch (const EnvironmentError& error) {
    return error.what();
  }
}

// One variant in both builds.
struct Contest {
  const Variant* variant;
  std::string base_problem;  // why it cannot go on; empty while both can
  std::string next_problem;
  bool base_supports = true;
  bool next_supports = true;
  std::vector<double> block_medians;  // of log(new / base)
  std::vector<double> base_us;
  std::vector<double> next_us;
  bool same_code = false;

  bool is_on() const { return base_problem.empty() && next_problem.empty(); }
};

Contest meet(const Variant& variant, Executor& base, Executor& next, const CheckPolicy& policy) {
  Contest contest{.variant = &variant};
  contest.base_problem = base.unsupported(variant);
  contest.next_problem = next.unsupported(variant);
  contest.base_supports = contest.base_problem.empty();
  contest.next_supports = contest.next_problem.empty();
  if (contest.base_supports) contest.base_problem = problem_of(base, variant, policy);
  if (contest.next_supports) contest.next_problem = problem_of(next, variant, policy);
  if (contest.is_on()) {
    const std::string code = base.code_hash(variant);
    contest.same_code = !code.empty() && code == next.code_hash(variant);
  }
  return contest;
}

// The first sample of a side warms it up and is not kept. A failure ends the contest for that side.
void run_block(Contest& contest, Executor& base, Executor& next, const LivePolicy& policy,
               std::mt19937_64& random) {
  std::vector<double> logs;
  const bool first_is_base = random() % 2 == 0;  // of even pairs; of the others it is the other side
  const auto take = [&](Executor& executor, std::string& problem) {
    try {
      return sample_block(executor, *contest.variant, policy.mode, 1).us.front();
    } catch (const EnvironmentError& error) {
      problem = error.what();
      return 0.0;
    }
  };
  for (int pair = -1; pair < policy.pairs && contest.is_on() && !interrupt_requested(); ++pair) {
    const bool base_first = (pair % 2 == 0) == first_is_base;
    double base_us = base_first ? take(base, contest.base_problem) : 0;
    const double next_us = take(next, contest.next_problem);
    if (!base_first) base_us = take(base, contest.base_problem);
    if (pair < 0 || !contest.is_on()) continue;
    contest.base_us.push_back(base_us);
    contest.next_us.push_back(next_us);
    logs.push_back(std::log(next_us / base_us));
  }
  if (!logs.empty()) contest.block_medians.push_back(median_of(std::move(logs)));
}

Ratio ratio_of(const std::vector<double>& block_medians) {
  const auto count = static_cast<double>(block_medians.size());
  const double mean = std::accumulate(block_medians.begin(), block_medians.end(), 0.0) / count;
  double squares = 0;
  for (const double value : block_medians) squares += (value - mean) * (value - mean);
  const double half = kLiveQuantile * std::sqrt(squares / (count - 1) / count);
  return {std::exp(mean), std::exp(mean - half), std::exp(mean + half)};
}

Verdict judge(const Ratio& ratio, double tolerance) {
  const double limit = 1 + tolerance;
  if (ratio.value > limit && ratio.low > 1) return Verdict::slower;
  if (ratio.value < 1 / limit && ratio.high < 1) return Verdict::faster;
  return ratio.high > limit ? Verdict::unclear : Verdict::same;
}

RowVerdict conclude(const Problem& problem, const Contest& contest, const LivePolicy& policy) {
  RowVerdict row{
      .problem = problem, .family = std::string(contest.variant->family), .variant = contest.variant->id()};
  row.mode = policy.mode;
  row.tolerance = policy.compare.tolerance(problem, row.variant);
  row.same_code = contest.same_code;
  if (!contest.next_problem.empty()) {
    row.verdict = contest.base_problem.empty() ? Verdict::broken : Verdict::same;
    row.note = contest.base_problem.empty() ? contest.next_problem : "on both sides " + contest.next_problem;
  } else if (!contest.base_problem.empty()) {
    row.verdict = Verdict::added;
    row.note = "base: " + contest.base_problem;
  } else if (static_cast<int>(contest.block_medians.size()) < kLiveBlocks) {
    row.verdict = Verdict::unclear;
    row.note = "interrupted";
  } else {
    row.base_us = median_of(contest.base_us);
    row.new_us = median_of(contest.next_us);
    row.ratio = ratio_of(contest.block_medians);
    row.verdict = judge(*row.ratio, row.tolerance);
    if (contest.same_code) row.note = "same machine code";
  }
  apply_policy(row, policy.compare);
  return row;
}

}  // namespace

std::vector<RowVerdict> compare_live(const Problem& problem, std::span<const Variant* const> variants,
                                     Executor& base, Executor& next, const LivePolicy& policy,
                                     const OnLiveBlock& on_block) {
  std::mt19937_64 random(policy.seed);
  std::vector<Contest> contests;
  for (int block = 0; block < kLiveBlocks && !interrupt_requested(); ++block) {
    // Who comes first finds other memory free; each side is first as often as the other.
    Executor& first = block % 2 == 0 ? base : next;
    Executor& second = block % 2 == 0 ? next : base;
    first.prepare(problem, policy.seed);
    second.prepare(problem, policy.seed);
    if (contests.empty()) {
      for (const Variant* variant : variants) contests.push_back(meet(*variant, base, next, policy.check));
    }
    for (Contest& contest : contests) {
      if (!contest.is_on()) continue;
      on_block(block, contest.variant->id());
      run_block(contest, base, next, policy, random);
    }
  }
  std::vector<RowVerdict> rows;
  for (const Contest& contest : contests) {
    if (contest.base_supports || contest.next_supports) rows.push_back(conclude(problem, contest, policy));
  }
  return rows;
}

}  // namespace flashcore
