// Probes of the output: Q = 0 makes P uniform, so that O is the mean of V whatever the scores are, and V says
// which of its elements arrived where.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

// Inputs with uniform P.
ChosenInputs uniform_inputs(const Bench& bench, const Problem& problem, std::vector<float> values) {
  ChosenInputs inputs = bench.random_inputs(problem);
  inputs.q = constant_tensor(query_shape(problem), 0);
  inputs.v = std::move(values);
  return inputs;
}

Trial run_ones(const Bench& bench, const Problem& problem) {
  return bench.run(problem, uniform_inputs(bench, problem, constant_tensor(key_value_shape(problem), 1)));
}

Finding ask_repeats(const Bench& bench) {
  Problem problem = bench.problem(3 * bench.block_q() + 5, 4 * bench.block_kv() + 3);
  const bool cuda = bench.device().backend == Backend::cuda;
  problem.batch = cuda ? 4 : 1;  // enough blocks to fill a device, and no more than a CPU does in no time
  problem.heads_q = problem.heads_kv = cuda ? 8 : 2;
  constexpr int kLaunches = 8;
  std::vector<std::vector<float>> outputs;
  Trial trial = bench.run_again(problem, bench.random_inputs(problem), kLaunches,
                                [&](const std::vector<float>& out) { outputs.push_back(out); });
  std::int64_t changed = 0;
  for (std::size_t i = 0; i < trial.out.size(); ++i) {
    const auto differs = [&](const std::vector<float>& out) {
      const bool both_nan = std::isnan(out[i]) && std::isnan(trial.out[i]);
      return !both_nan && out[i] != trial.out[i] &&
             !(std::fabs(out[i] - trial.out[i]) <= trial.check.limit.max_abs);
    };
    changed += std::ranges::any_of(outputs, differs);
  }
  if (changed == 0) return {Probe::repeats};
  return failure(Probe::repeats, Sign::failed, trial,
                 fmt::format("{} of {} elements differ between {} launches on the same inputs", changed,
                             trial.out.size(), kLaunches + 1));
}

Finding judge_places(Probe probe, const Trial& trial) {
  const std::int64_t missing = std::ranges::count(trial.unwritten, true);
  const std::int64_t outside = trial.check.out_of_bounds;
  if (missing == 0 && outside == 0) return {probe};
  const Sign sign = missing > 0 && outside > 0 ? Sign::misplaced
                    : missing > 0              ? Sign::unwritten
                                               : Sign::out_of_bounds;
  return failure(probe, sign, trial,
                 fmt::format("{} of {} elements of O were not written, {} elements outside of it were",
                             missing, trial.out.size(), outside));
}

Problem odd_problem(const Bench& bench, Layout layout) {
  Problem problem = bench.problem(2 * bench.block_q() + 1, bench.block_kv() + 1);
  problem.batch = problem.heads_q = problem.heads_kv = 2;
  problem.layout = layout;
  return problem;
}

Trial run_odd(const Bench& bench, Layout layout) {
  const Problem problem = odd_problem(bench, layout);
  return bench.run(problem, bench.random_inputs(problem));
}

Finding ask_written(const Bench& bench) { return judge_places(Probe::written, run_odd(bench, Layout::bhsd)); }

Finding ask_written_padded(const Bench& bench) {
  return judge_places(Probe::written_padded, run_odd(bench, Layout::padded));
}

Finding ask_padded_values(const Bench& bench) {
  for (const Layout layout : {Layout::padded, Layout::bshd}) {
    Finding finding = check_random(bench, Probe::padded_values, odd_problem(bench, layout));
    finding.detail = finding.failed() ? fmt::format("layout {}: {}", to_string(layout), finding.detail) : "";
    if (finding.failed()) return finding;
  }
  return {Probe::padded_values};
}

// V = 1: every element of O is 1, whatever P is.
Finding ask_query_rows(const Bench& bench) {
  const Trial trial = run_ones(bench, bench.problem(2 * bench.block_q(), bench.block_kv()));
  if (trial.out_right()) return {Probe::query_rows};
  Finding finding = failure(Probe::query_rows, Sign::failed, trial, trial.check.reason);
  const std::int64_t wrong_rows =
      std::ranges::count_if(finding.map->cells, [](const std::string& row) { return row.front() != '.'; });
  if (wrong_rows > 0 && wrong_rows < finding.map->rows()) finding.sign = Sign::some_rows;
  if (std::ranges::all_of(trial.out, [](float value) { return value == 0; })) finding.sign = Sign::all_zero;
  return finding;
}

Finding ask_query_tail(const Bench& bench) {
  for (const std::int64_t seq_q : {std::int64_t{1}, bench.block_q() + 1, 2 * bench.block_q() - 1}) {
    const Trial trial = run_ones(bench, bench.problem(seq_q, bench.block_kv()));
    if (trial.out_right() && trial.check.out_of_bounds == 0) continue;
    return failure(Probe::query_tail, Sign::failed, trial,
                   fmt::format("seq_q {}: {}", seq_q, trial.check.reason));
  }
  return {Probe::query_tail};
}

// Which columns of V (holding their own numbers) the columns of O show; nothing when they show none.
std::vector<std::int64_t> columns_shown(const Trial& trial) {
  std::vector<std::int64_t> shown;
  const std::int64_t head_dim = trial.problem.head_dim;
  for (std::int64_t column = 0; column < head_dim; ++column) {
    const float value = trial.out[static_cast<std::size_t>(column)];  // of the first row
    const float nearest = std::round(value);
    constexpr float kTolerance = 0.01f;
    if (!(std::fabs(value - nearest) <= kTolerance * std::max(1.0f, nearest))) return {};
    shown.push_back(static_cast<std::int64_t>(nearest));
  }
  const bool different = std::set<std::int64_t>(shown.begin(), shown.end()).size() > 1;
  return different ? shown : std::vector<std::int64_t>{};
}

Finding ask_columns(const Bench& bench) {
  const Problem problem = bench.problem(bench.block_q(), bench.block_kv());
  const auto number = [](auto, auto, std::int64_t column) { return static_cast<float>(column); };
  const Trial trial =
      bench.run(problem, uniform_inputs(bench, problem, make_tensor(key_value_shape(problem), number)));
  if (trial.out_right()) return {Probe::columns};
  Finding finding = failure(Probe::columns, Sign::failed, trial, trial.check.reason);
  const std::vector<std::int64_t> shown = columns_shown(trial);
  for (std::size_t column = 0; column < shown.size(); ++column) {
    if (shown[column] == static_cast<std::int64_t>(column)) continue;
    finding.sign = Sign::columns_moved;
    finding.detail = fmt::format("column {} of O shows column {} of V", column, shown[column]);
    break;
  }
  return finding;
}

// V is constant in a head and different in each: O tells which head it was made of.
Finding ask_which_head(const Bench& bench, Probe probe, std::int64_t heads_q, std::int64_t heads_kv) {
  Problem problem = bench.problem(bench.block_q(), bench.block_kv());
  problem.batch = 2;
  problem.heads_q = heads_q;
  problem.heads_kv = heads_kv;
  const auto number = [](std::int64_t head, auto, auto) { return static_cast<float>(head + 1); };
  const Trial trial =
      bench.run(problem, uniform_inputs(bench, problem, make_tensor(key_value_shape(problem), number)));
  if (trial.out_right()) return {probe};
  Finding finding = failure(probe, Sign::failed, trial, trial.check.reason);
  if (const auto& bad = finding.first_bad; bad && bad->got == std::round(bad->got) && bad->got >= 1) {
    const auto kv = [&](double value) { return (static_cast<std::int64_t>(value) - 1) % heads_kv; };
    finding.detail = fmt::format("query head {} of {} reads KV head {}, not {}", bad->head, heads_q,
                                 kv(bad->got), kv(bad->wanted));
  }
  return finding;
}

Finding ask_heads(const Bench& bench) { return ask_which_head(bench, Probe::heads, 3, 3); }
Finding ask_kv_heads(const Bench& bench) { return ask_which_head(bench, Probe::kv_heads, 6, 2); }

// Doubling is exact in every dtype here.
Finding ask_doubled_values(const Bench& bench) {
  const Problem problem = bench.problem(bench.block_q(), 2 * bench.block_kv());
  ChosenInputs inputs = bench.random_inputs(problem);
  const Trial once = bench.run(problem, inputs);
  for (float& value : inputs.v) value *= 2;
  const Trial twice = bench.run(problem, inputs);
  for (std::size_t i = 0; i < once.out.size(); ++i) {
    if (std::fabs(twice.out[i] - 2 * once.out[i]) <= twice.check.limit.max_abs) continue;
    return failure(Probe::doubled_values, Sign::failed, twice, "O does not double with V");
  }
  return {Probe::doubled_values};
}

}  // namespace

Finding check_random(const Bench& bench, Probe probe, const Problem& problem) {
  const Trial trial = bench.run(problem, bench.random_inputs(problem));
  if (trial.out_right()) return {probe};
  return failure(probe, trial.finite() ? Sign::failed : Sign::nonfinite, trial, trial.check.reason);
}

std::span<const ProbeEntry> output_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::repeats, ask_repeats},
      {Probe::written, ask_written},
      {Probe::written_padded, ask_written_padded},
      {Probe::padded_values, ask_padded_values},
      {Probe::query_rows, ask_query_rows},
      {Probe::query_tail, ask_query_tail},
      {Probe::columns, ask_columns},
      {Probe::heads, ask_heads},
      {Probe::kv_heads, ask_kv_heads},
      {Probe::doubled_values, ask_doubled_values},
  };
  return kProbes;
}

}  // namespace flashcore
