#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "attention/problem_fields.hpp"
#include "compare/comparison.hpp"
#include "compare/evidence.hpp"
#include "compare/outcome.hpp"
#include "compare/resample.hpp"

namespace flashcore {
namespace {

// How many standard errors the two levels ask for.
struct Limits {
  double slower = 0;
  double unclear = 0;
};

Limits limits_for(double share, std::size_t tests) {
  const double each = share / static_cast<double>(std::max<std::size_t>(tests, 1));
  return {normal_quantile_above(kSlowerLevel * each), normal_quantile_above(kUnclearLevel * each)};
}

Verdict judge(double log_ratio, double error, double tolerance, const Limits& limits) {
  const double smallest = std::log1p(tolerance);
  if (log_ratio > smallest && log_ratio > limits.slower * error) return Verdict::slower;
  if (log_ratio < -smallest && log_ratio < -limits.slower * error) return Verdict::faster;
  const bool suspect = log_ratio > smallest && log_ratio > limits.unclear * error;
  const bool blind = limits.slower * error > std::log1p(std::max(kBlindEffect, tolerance));
  return suspect || blind ? Verdict::unclear : Verdict::same;
}

Ratio make_ratio(double log_ratio, double error, const Limits& limits) {
  const double half = limits.slower * error;
  return {std::exp(log_ratio), std::exp(log_ratio - half), std::exp(log_ratio + half)};
}

class Comparer {
 public:
  Comparer(const Runs& base, const Runs& next, const ComparePolicy& policy) : policy_(policy) {
    for (const MatchedRow& row : match_rows(base, next)) look(row);
  }

  Comparison finish(std::vector<std::string> differences) {
    result_.differences = std::move(differences);
    find_drift();
    find_noise();
    judge_rows();
    judge_scopes();
    decide(result_, policy_);
    return std::move(result_);
  }

 private:
  // A row that both sides timed, by its place in result_.rows.
  struct Timed {
    std::size_t place;
    Evidence evidence;
  };

  void look(const MatchedRow& row);
  void find_drift();
  void find_noise();
  void raise_to_scatter();
  void judge_rows();
  void judge_row(RowVerdict& row, const Evidence& evidence, const Limits& limits) const;
  void judge_scopes();
  void judge_scope(const std::string& name, const std::vector<const Timed*>& members, const Limits& limits);

  RowVerdict& row_of(const Timed& timed) { return result_.rows[timed.place]; }
  bool is_under_test(const Timed& timed) const {
    return !result_.rows[timed.place].same_code && timed.evidence.fewest_samples >= kFewestRunSamples;
  }
  double common_variance(const Evidence& evidence) const {
    return result_.drift ? drift_variance_ : evidence.common_variance(result_.noise);
  }

  const ComparePolicy& policy_;
  Comparison result_;
  std::vector<Timed> timed_;
  double log_drift_ = 0;
  double drift_variance_ = 0;
};

bool has_same_code(const MatchedRow& row) {
  const std::string& code = row.any().code_hash;
  const auto same = [&](const Record* record) { return record->code_hash == code; };
  const auto all_same = [&](const auto& run) { return std::ranges::all_of(run.second, same); };
  return !code.empty() && std::ranges::all_of(row.base, all_same) && std::ranges::all_of(row.next, all_same);
}

void Comparer::look(const MatchedRow& matched) {
  RowFindings found = look_at(matched, policy_);
  if (!found.evidence && !found.verdict) return;
  const Record& record = matched.any();
  RowVerdict row{.problem = record.problem, .family = record.family, .variant = record.variant_id()};
  if (row.problem.name.empty()) row.problem.name = problem_id(row.problem);
  row.verdict = found.verdict.value_or(Verdict::same);
  row.note = std::move(found.note);
  row.mode = found.mode;
  row.tolerance = policy_.tolerance(row.problem, row.variant);
  if (found.evidence) {
    row.base_us = std::exp(found.evidence->base.mean_log_median());
    row.new_us = std::exp(found.evidence->next.mean_log_median());
    row.same_code = policy_.trust_code_hash && has_same_code(matched);
    timed_.push_back({result_.rows.size(), std::move(*found.evidence)});
  }
  const bool cpu = record.backend == Backend::cpu;
  if (result_.rows.empty()) {
    result_.noise = policy_.noise.value_or(default_noise(cpu ? Backend::cpu : Backend::cuda));
  }
  result_.rows.push_back(std::move(row));
}

void Comparer::find_drift() {
  std::vector<double> controls;
  for (const Timed& timed : timed_) {
    if (row_of(timed).same_code) controls.push_back(timed.evidence.log_ratio);
  }
  if (controls.size() < kFewestControls) return;
  constexpr double kMedianOverMeanVariance = 1.571;  // π/2, of normal values
  log_drift_ = median_of(controls);
  drift_variance_ = kMedianOverMeanVariance * std::pow(robust_deviation(controls), 2) /
                    static_cast<double>(controls.size());
  result_.drift = Drift{.ratio = std::exp(log_drift_), .controls = controls.size()};
}

void Comparer::find_noise() {
  std::vector<RepeatedRow> base;
  std::vector<RepeatedRow> next;
  for (const Timed& timed : timed_) {
    base.push_back(timed.evidence.base);
    next.push_back(timed.evidence.next);
    base.back().size = next.back().size = timed.evidence.size;
  }
  NoiseEstimate repeats;
  repeats.add_side(base);
  repeats.add_side(next);
  if (!repeats.empty()) {
    result_.noise = repeats.updated(result_.noise);
    result_.noise.source += ", updated by repeated runs";
  }
  raise_to_scatter();
}

// Rows are held against the median of their family, so that a change of a whole family is no scatter.
void Comparer::raise_to_scatter() {
  for (const SizeClass size : kAll<SizeClass>) {
    std::map<std::string, std::vector<const Evidence*>> families;
    for (const Timed& timed : timed_) {
      if (timed.evidence.size == size) families[row_of(timed).family].push_back(&timed.evidence);
    }
    std::vector<double> residuals;
    std::vector<double> sampling;
    double run_factor = 0;
    for (const auto& [family, members] : families) {
      std::vector<double> logs;
      for (const Evidence* member : members) logs.push_back(member->log_ratio);
      const double center = median_of(logs);
      for (const Evidence* member : members) {
        if (members.size() < kFewestScopeRows) continue;
        residuals.push_back(member->log_ratio - center);
        sampling.push_back(member->sampling_variance);
        run_factor = std::max(run_factor, member->run_factor);
      }
    }
    if (residuals.size() < kFewestScatterRows) continue;
    const double seen = std::pow(robust_deviation(residuals), 2) - median_of(sampling);
    double& row = result_.noise.of(size).row;
    const double scatter = std::sqrt(std::max(0.0, seen) / run_factor);
    row = std::clamp(scatter, row, kMostScatter * row);
  }
}

void Comparer::judge_row(RowVerdict& row, const Evidence& evidence, const Limits& limits) const {
  const double log_ratio = evidence.log_ratio - log_drift_;
  const double error = std::sqrt(evidence.row_variance(result_.noise) + common_variance(evidence));
  row.ratio = make_ratio(log_ratio, error, limits);
  if (evidence.fewest_samples < kFewestRunSamples) {
    row.verdict = Verdict::unclear;
    row.note = fmt::format("{} sample{} in a run, {} are needed", evidence.fewest_samples,
                           evidence.fewest_samples == 1 ? "" : "s", kFewestRunSamples);
  } else if (row.same_code) {
    row.note = "same machine code";
    if (judge(log_ratio, error, row.tolerance, limits) != Verdict::same) {
      row.note += ": the difference is noise, or not the kernel's";
    }
  } else {
    row.verdict = judge(log_ratio, error, row.tolerance, limits);
  }
}

void Comparer::judge_rows() {
  const auto tests = static_cast<std::size_t>(
      std::ranges::count_if(timed_, [&](const Timed& timed) { return is_under_test(timed); }));
  const Limits limits = limits_for(kRowsShare, tests);
  for (const Timed& timed : timed_) judge_row(row_of(timed), timed.evidence, limits);
  for (RowVerdict& row : result_.rows) apply_policy(row, policy_);
}

void Comparer::judge_scopes() {
  std::map<std::string, std::vector<const Timed*>> families;
  std::vector<const Timed*> all;
  for (const Timed& timed : timed_) {
    if (!is_under_test(timed) || !row_of(timed).allowed.empty()) continue;
    all.push_back(&timed);
    families[row_of(timed).family].push_back(&timed);
  }
  if (all.size() < kFewestScopeRows) return;
  judge_scope("all rows", all, limits_for(kAllRowsShare, 1));
  if (families.size() < 2) return;
  std::erase_if(families, [](const auto& family) { return family.second.size() < kFewestScopeRows; });
  const Limits limits = limits_for(kFamiliesShare, families.size());
  for (const auto& [family, members] : families) judge_scope(family, members, limits);
}

void Comparer::judge_scope(const std::string& name, const std::vector<const Timed*>& members,
                           const Limits& limits) {
  constexpr double kMedianOverMeanVariance = 1.571;
  std::vector<double> logs;
  std::vector<double> tolerances;
  double own = 0;
  double common = 0;
  for (const Timed* member : members) {
    logs.push_back(member->evidence.log_ratio - log_drift_);
    tolerances.push_back(row_of(*member).tolerance);
    own += member->evidence.row_variance(result_.noise);
    common += common_variance(member->evidence);
  }
  const auto count = static_cast<double>(members.size());
  const double error = std::sqrt(kMedianOverMeanVariance * own / (count * count) + common / count);
  const double log_ratio = median_of(logs);
  ScopeVerdict scope{.name = name, .rows = members.size()};
  scope.verdict = judge(log_ratio, error, median_of(tolerances), limits);
  scope.ratio = make_ratio(log_ratio, error, limits);
  scope.fails = scope.verdict == Verdict::slower && policy_.fails_on(Verdict::slower);
  result_.scopes.push_back(std::move(scope));
}

}  // namespace

Comparison compare(const Runs& base, const Runs& next, const ComparePolicy& policy,
                   std::vector<std::string> differences) {
  return Comparer(base, next, policy).finish(std::move(differences));
}

Comparison compare(std::span<const Record> base, std::span<const Record> next, const ComparePolicy& policy) {
  return compare(Runs{{base.begin(), base.end()}}, Runs{{next.begin(), next.end()}}, policy);
}

}  // namespace flashcore
