// Probes of one tile: no online softmax is at work yet. With V as one-hot columns O is P, a block of head_dim
// keys a launch, so that the probabilities of any kernel can be read.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "diagnose/probabilities.hpp"
#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

Problem one_tile(const Bench& bench) { return bench.problem(bench.block_q(), bench.block_kv()); }

Finding ask_one_tile(const Bench& bench) { return check_random(bench, Probe::one_tile, one_tile(bench)); }

Finding ask_one_tile_lse(const Bench& bench) {
  const Problem problem = one_tile(bench);
  const Trial trial = bench.run(problem, bench.random_inputs(problem));
  if (trial.lse_right()) return {Probe::one_tile_lse};
  return failure(Probe::one_tile_lse, Sign::failed, trial,
                 fmt::format("row 0: log-sum-exp {:.5g}, wanted {:.5g}", trial.lse[0], trial.wanted_lse[0]));
}

// Q·Kᵀ goes wrong in the scale when log P is the right one times a factor, up to what normalises a row. Rows
// that are right up to a factor have the wrong sum.
Sign judge_probabilities(const Probabilities& p, std::int64_t first_bad_row, std::string& detail) {
  const LogFit fit = fit_logarithms(p);
  constexpr double kExact = 0.99;
  constexpr double kOne = 0.02;
  if (fit.correlation < kExact) return Sign::failed;
  if (std::fabs(fit.slope - 1) > kOne) {
    detail = fmt::format("P is the softmax of {:.4g} times the scores", fit.slope);
    return Sign::scores_scaled;
  }
  detail = fmt::format("row {} of P sums to {:.4g}", first_bad_row, p.row_sum(first_bad_row));
  return Sign::rows_scaled;
}

Finding judge(Probe probe, const Probabilities& p) {
  if (p.right) return {probe};
  Finding finding{.probe = probe, .sign = Sign::failed};
  finding.map = map_of_probabilities(p);
  finding.first_bad = first_bad_probability(p);
  const std::int64_t row = finding.first_bad ? finding.first_bad->row : 0;
  if (finding.first_bad) {
    finding.detail =
        fmt::format("P at row {}, key {} is {:.4g}, wanted {:.4g}", finding.first_bad->row,
                    finding.first_bad->column, finding.first_bad->got, finding.first_bad->wanted);
  }
  finding.sign = p.finite ? judge_probabilities(p, row, finding.detail) : Sign::nonfinite;
  return finding;
}

Finding ask_probabilities(const Bench& bench) {
  const Problem problem = one_tile(bench);
  return judge(Probe::probabilities, read_probabilities(bench, problem, bench.random_inputs(problem)));
}

// Key j is one-hot in column j + 1: its scores are that column of Q. One off the diagonal, because the
// identity looks the same when rows and columns are exchanged.
Finding ask_q_columns(const Bench& bench) {
  const Problem problem = one_tile(bench);
  ChosenInputs inputs = bench.random_inputs(problem);
  constexpr float kHeight = 4;
  inputs.k = make_tensor(key_value_shape(problem), [&](auto, std::int64_t key, std::int64_t column) {
    return column == (key + 1) % problem.head_dim ? kHeight : 0.0f;
  });
  return judge(Probe::q_columns, read_probabilities(bench, problem, inputs));
}

Finding ask_row_sums(const Bench& bench) {
  const Problem problem = one_tile(bench);
  ChosenInputs inputs = bench.random_inputs(problem);
  inputs.v = constant_tensor(key_value_shape(problem), 1);
  const Trial trial = bench.run(problem, inputs);
  if (trial.out_right()) return {Probe::row_sums};
  return failure(Probe::row_sums, Sign::failed, trial,
                 fmt::format("with V = 1 the first element of O is {:.4g}", trial.out[0]));
}

Finding ask_rows_independent(const Bench& bench) {
  const Problem problem = one_tile(bench);
  ChosenInputs inputs = bench.random_inputs(problem);
  const Trial before = bench.run(problem, inputs);
  const auto columns = static_cast<std::size_t>(problem.head_dim);
  const std::size_t row = static_cast<std::size_t>(problem.seq_q) / 2;
  for (std::size_t i = row * columns; i < (row + 1) * columns; ++i) inputs.q[i] = -inputs.q[i];
  const Trial after = bench.run(problem, inputs);
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < after.out.size(); ++i) {
    const bool both_nan = std::isnan(after.out[i]) && std::isnan(before.out[i]);
    if (i / columns == row || after.out[i] == before.out[i] || both_nan) continue;
    if (changed.empty() || changed.back() != i / columns) changed.push_back(i / columns);
  }
  if (changed.empty()) return {Probe::rows_independent};
  return failure(Probe::rows_independent, Sign::failed, after,
                 fmt::format("a change of Q's row {} changes O's rows {}", row, fmt::join(changed, ", ")));
}

Finding ask_scale(const Bench& bench) {
  Problem problem = one_tile(bench);
  problem.scale *= 0.5;
  return check_random(bench, Probe::scale, problem);
}

// One key with a score at which exp() overflows FP32, unless the maximum is taken off first.
Finding ask_large_score(const Bench& bench) {
  const Problem problem = one_tile(bench);
  constexpr double kLarge = 200;
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return key == problem.seq_kv / 2 ? kLarge : 0.0; });
  inputs.v = bench.random_inputs(problem).v;
  const Trial trial = bench.run(problem, inputs);
  if (trial.out_right()) return {Probe::large_score};
  return failure(Probe::large_score, trial.finite() ? Sign::failed : Sign::nonfinite, trial,
                 trial.check.reason);
}

}  // namespace

std::span<const ProbeEntry> score_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::one_tile, ask_one_tile},
      {Probe::one_tile_lse, ask_one_tile_lse},
      {Probe::probabilities, ask_probabilities},
      {Probe::row_sums, ask_row_sums},
      {Probe::q_columns, ask_q_columns},
      {Probe::rows_independent, ask_rows_independent},
      {Probe::scale, ask_scale},
      {Probe::large_score, ask_large_score},
  };
  return kProbes;
}

}  // namespace flashcore
