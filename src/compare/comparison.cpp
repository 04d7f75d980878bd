#include "compare/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "attention/problem_fields.hpp"
#include "base/parallel.hpp"
#include "compare/outcome.hpp"
#include "compare/resample.hpp"
#include "compare/row_statistics.hpp"

namespace flashcore {
namespace {

// Critical values of the two levels, in standard errors.
struct CriticalValues {
  double slower = 0;
  double unclear = 0;
};

CriticalValues critical_values(double share, std::size_t tests) {
  const double each = share / static_cast<double>(std::max<std::size_t>(tests, 1));
  return {normal_quantile_above(kSlowerLevel * each), normal_quantile_above(kUnclearLevel * each)};
}

Verdict verdict_of(double log_ratio, double error, double tolerance, const CriticalValues& critical) {
  const double smallest = std::log1p(tolerance);
  if (log_ratio > smallest && log_ratio > critical.slower * error) return Verdict::slower;
  if (log_ratio < -smallest && log_ratio < -critical.slower * error) return Verdict::faster;
  const bool maybe_slower = log_ratio > smallest && log_ratio > critical.unclear * error;
  const bool hides_effect = critical.slower * error > std::log1p(std::max(kMaxHiddenEffect, tolerance));
  return maybe_slower || hides_effect ? Verdict::unclear : Verdict::same;
}

Ratio make_ratio(double log_ratio, double error, const CriticalValues& critical) {
  const double half = critical.slower * error;
  return {std::exp(log_ratio), std::exp(log_ratio - half), std::exp(log_ratio + half)};
}

struct KnownDrift {
  double log = 0;
  std::optional<double> variance;  // if it is known
};

class Comparer {
 public:
  Comparer(const Runs& base, const Runs& next, const ComparePolicy& policy) : policy_(policy) {
    const std::vector<MatchedRow> rows = match_rows(base, next);
    std::vector<RowState> states(rows.size());
    parallel_for(rows.size(), [&](std::size_t i) { states[i] = row_state(rows[i], policy); });
    for (std::size_t i = 0; i < rows.size(); ++i) add_row(rows[i], std::move(states[i]));
  }

  Comparison finish(std::vector<std::string> differences) {
    result_.differences = std::move(differences);
    for (const bool at_limit : {false, true}) find_drift(at_limit);
    update_noise();
    set_row_verdicts();
    add_scopes();
    set_outcome(result_, policy_);
    return std::move(result_);
  }

 private:
  // A row that both sides timed, by its place in result_.rows.
  struct Timed {
    std::size_t place;
    RowStatistics statistics;
  };

  void add_row(const MatchedRow& row, RowState state);
  void find_drift(bool at_limit);
  void update_noise();
  void raise_noise_to_scatter();
  void set_row_verdicts();
  void set_row_verdict(RowVerdict& row, const RowStatistics& statistics,
                       const CriticalValues& critical) const;
  void add_scopes();
  void add_scope(const std::string& name, const std::vector<const Timed*>& members,
                 const CriticalValues& critical);

  RowVerdict& row_of(const Timed& timed) { return result_.rows[timed.place]; }
  bool is_tested(const Timed& timed) const {
    return !result_.rows[timed.place].same_code && !timed.statistics.same_samples &&
           timed.statistics.min_samples >= kMinRunSamples;
  }
  const KnownDrift& drift_of(const RowStatistics& statistics) const { return drift_[statistics.at_limit]; }
  double common_variance(const RowStatistics& statistics) const {
    return drift_of(statistics).variance.value_or(statistics.common_variance(result_.noise));
  }

  const ComparePolicy& policy_;
  Comparison result_;
  std::vector<Timed> timed_;
  std::array<KnownDrift, 2> drift_;  // of rows below the power limit, and of rows at it
};

// A plug-in may launch the code of other files than its own, whose hash it has.
bool has_same_code(const MatchedRow& row) {
  if (row.any().role == Role::plugin) return false;
  const std::string& code = row.any().code_hash;
  const auto same = [&](const Record* record) { return record->code_hash == code; };
  const auto all_same = [&](const auto& run) { return std::ranges::all_of(run.second, same); };
  return !code.empty() && std::ranges::all_of(row.base, all_same) && std::ranges::all_of(row.next, all_same);
}

void Comparer::add_row(const MatchedRow& matched, RowState state) {
  if (!state.statistics && !state.verdict) return;
  const Record& record = matched.any();
  RowVerdict row{.problem = record.problem, .family = record.family, .variant = record.variant_id()};
  if (row.problem.name.empty()) row.problem.name = problem_id(row.problem);
  row.verdict = state.verdict.value_or(Verdict::same);
  row.note = std::move(state.note);
  row.mode = state.mode;
  row.tolerance = policy_.tolerance(row.problem, row.variant);
  if (state.statistics) {
    row.base_us = std::exp(state.statistics->base.mean_log_median());
    row.new_us = std::exp(state.statistics->next.mean_log_median());
    row.same_code = policy_.trust_code_hash && has_same_code(matched);
    timed_.push_back({result_.rows.size(), std::move(*state.statistics)});
  }
  const bool cpu = record.backend == Backend::cpu;
  if (result_.rows.empty()) {
    result_.noise = policy_.noise.value_or(default_noise(cpu ? Backend::cpu : Backend::cuda));
  }
  result_.rows.push_back(std::move(row));
}

// At the power limit, clocks differ by some percent between runs. Below it they are the same.
void Comparer::find_drift(bool at_limit) {
  std::vector<double> controls;
  for (const Timed& timed : timed_) {
    if (timed.statistics.at_limit == at_limit && row_of(timed).same_code) {
      controls.push_back(timed.statistics.log_ratio);
    }
  }
  if (controls.size() < kMinControls) return;
  KnownDrift& drift = drift_[at_limit];
  drift.log = median_of(controls);
  drift.variance = kMedianOverMeanVariance * std::pow(robust_deviation(controls), 2) /
                   static_cast<double>(controls.size());
  result_.drifts.push_back({.at_limit = at_limit, .ratio = std::exp(drift.log), .controls = controls.size()});
}

void Comparer::update_noise() {
  std::vector<RepeatedRow> base;
  std::vector<RepeatedRow> next;
  for (const Timed& timed : timed_) {
    base.push_back(timed.statistics.base);
    next.push_back(timed.statistics.next);
    base.back().noise_class = next.back().noise_class = timed.statistics.noise_class;
  }
  NoiseEstimate repeats;
  repeats.add_side(base);
  repeats.add_side(next);
  if (!repeats.empty()) {
    result_.noise = repeats.updated(result_.noise);
    result_.noise.source += ", updated by repeated runs";
  }
  raise_noise_to_scatter();
}

// Scatter is measured around the median of each family, so that a change of a whole family does not count as
// scatter.
void Comparer::raise_noise_to_scatter() {
  for (const NoiseClass kind : kAll<NoiseClass>) {
    std::map<std::string, std::vector<const RowStatistics*>> families;
    for (const Timed& timed : timed_) {
      if (timed.statistics.noise_class == kind) families[row_of(timed).family].push_back(&timed.statistics);
    }
    std::vector<double> residuals;
    std::vector<double> sampling;
    double run_factor = 0;
    for (const auto& [family, members] : families) {
      std::vector<double> logs;
      for (const RowStatistics* member : members) logs.push_back(member->log_ratio);
      const double center = median_of(logs);
      for (const RowStatistics* member : members) {
        if (members.size() < kMinScopeRows) continue;
        residuals.push_back(member->log_ratio - center);
        sampling.push_back(member->sampling_variance);
        run_factor = std::max(run_factor, member->run_factor);
      }
    }
    if (residuals.size() < kMinScatterRows) continue;
    const double seen = std::pow(robust_deviation(residuals), 2) - median_of(sampling);
    double& row = result_.noise.of(kind).row;
    const double scatter = std::sqrt(std::max(0.0, seen) / run_factor);
    row = std::clamp(scatter, row, kMaxScatter * row);
  }
}

void Comparer::set_row_verdict(RowVerdict& row, const RowStatistics& statistics,
                               const CriticalValues& critical) const {
  const double log_ratio = statistics.log_ratio - drift_of(statistics).log;
  const double error = std::sqrt(statistics.row_variance(result_.noise) + common_variance(statistics));
  row.ratio = make_ratio(log_ratio, error, critical);
  if (statistics.same_samples) {
    row.note = "the same measurement";
  } else if (statistics.min_samples < kMinRunSamples) {
    row.verdict = Verdict::unclear;
    row.note = fmt::format("{} sample{} in a run, {} are needed", statistics.min_samples,
                           statistics.min_samples == 1 ? "" : "s", kMinRunSamples);
  } else if (row.same_code) {
    row.note = "same machine code";
    if (verdict_of(log_ratio, error, row.tolerance, critical) != Verdict::same) {
      row.note += ": the difference is noise, or not the kernel's";
    }
  } else {
    row.verdict = verdict_of(log_ratio, error, row.tolerance, critical);
  }
}

// A row that became faster by this factor gets a note: its kernel may skip work.
constexpr double kTooFast = 20;

void note_if_too_fast(RowVerdict& row) {
  if (row.ratio->value * kTooFast >= 1) return;
  if (!row.note.empty()) row.note += "; ";
  row.note += fmt::format("{:.0f} times as fast as before: does it do the same work?", 1 / row.ratio->value);
}

void Comparer::set_row_verdicts() {
  const auto tests = static_cast<std::size_t>(
      std::ranges::count_if(timed_, [&](const Timed& timed) { return is_tested(timed); }));
  const CriticalValues critical = critical_values(kRowsShare, tests);
  for (const Timed& timed : timed_) {
    set_row_verdict(row_of(timed), timed.statistics, critical);
    note_if_too_fast(row_of(timed));
  }
  for (RowVerdict& row : result_.rows) apply_policy(row, policy_);
}

void Comparer::add_scopes() {
  std::map<std::string, std::vector<const Timed*>> families;
  std::vector<const Timed*> all;
  for (const Timed& timed : timed_) {
    if (!is_tested(timed) || !row_of(timed).allowed.empty()) continue;
    all.push_back(&timed);
    families[row_of(timed).family].push_back(&timed);
  }
  if (all.size() < kMinScopeRows) return;
  add_scope("all rows", all, critical_values(kAllRowsShare, 1));
  if (families.size() < 2) return;
  std::erase_if(families, [](const auto& family) { return family.second.size() < kMinScopeRows; });
  const CriticalValues critical = critical_values(kFamiliesShare, families.size());
  for (const auto& [family, members] : families) add_scope(family, members, critical);
}

void Comparer::add_scope(const std::string& name, const std::vector<const Timed*>& members,
                         const CriticalValues& critical) {
  std::vector<double> logs;
  std::vector<double> tolerances;
  double own = 0;
  double common = 0;
  for (const Timed* member : members) {
    logs.push_back(member->statistics.log_ratio - drift_of(member->statistics).log);
    tolerances.push_back(row_of(*member).tolerance);
    own += member->statistics.row_variance(result_.noise);
    common += common_variance(member->statistics);
  }
  const auto count = static_cast<double>(members.size());
  const double error = std::sqrt(kMedianOverMeanVariance * own / (count * count) + common / count);
  const double log_ratio = median_of(logs);
  ScopeVerdict scope{.name = name, .rows = members.size()};
  scope.verdict = verdict_of(log_ratio, error, median_of(tolerances), critical);
  scope.ratio = make_ratio(log_ratio, error, critical);
  scope.fails = scope.verdict == Verdict::slower && policy_.fails_on(Verdict::slower);
  result_.scopes.push_back(std::move(scope));
}

}  // namespace

Comparison compare_runs(const Runs& base, const Runs& next, const ComparePolicy& policy,
                        std::vector<std::string> differences) {
  return Comparer(base, next, policy).finish(std::move(differences));
}

}  // namespace flashcore
