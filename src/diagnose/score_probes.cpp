// Probes of one tile, which needs no online softmax. With one-hot columns in V, O is P for a block of
// head_dim keys per launch. So the probabilities of any kernel can be read.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "diagnose/probabilities.hpp"
#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

Problem one_tile(const ProbeRunner& runner) { return runner.problem(runner.block_q(), runner.block_kv()); }

Finding ask_one_tile(const ProbeRunner& runner) {
  return check_random(runner, Probe::one_tile, one_tile(runner));
}

Finding ask_one_tile_lse(const ProbeRunner& runner) {
  const Problem problem = runner.lse_problem(runner.block_q(), runner.block_kv());
  const ProbeRun run = runner.run(problem, runner.random_inputs(problem));
  if (run.lse_right()) return {Probe::one_tile_lse};
  return failure(Probe::one_tile_lse, Symptom::failed, run, run.first_bad_lse());
}

// The least-squares line of the kernel's values over the right values, and the largest distance from it.
struct LineFit {
  double slope = 0, offset = 0, largest_residual = 0;
};

LineFit fit_line(const std::vector<float>& x, const std::vector<float>& y) {
  const auto mean = [](const std::vector<float>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  const double x_mean = mean(x);
  const double y_mean = mean(y);
  double xx = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    xy += (x[i] - x_mean) * (y[i] - y_mean);
  }
  LineFit fit{.slope = xy / xx};
  fit.offset = y_mean - fit.slope * x_mean;
  for (std::size_t i = 0; i < x.size(); ++i) {
    fit.largest_residual = std::max(fit.largest_residual, std::fabs(fit.slope * x[i] + fit.offset - y[i]));
  }
  return fit;
}

Symptom symptom_of_lse(const ProbeRun& run, const LineFit& fit, std::string& detail) {
  constexpr double kSame = 2e-3;
  const auto same = [](double a, double b) { return std::fabs(a - b) <= kSame * b; };
  if (!(fit.largest_residual <= 4 * run.check.limit.lse_max_abs)) return Symptom::failed;
  if (same(fit.slope, 1)) {
    detail = fmt::format("it is the right one plus {:.5g} in every row", fit.offset);
    return Symptom::lse_offset;
  }
  const bool proportional = std::fabs(fit.offset) <= 4 * run.check.limit.lse_max_abs;
  detail = fmt::format("it is {:.5g} times the right one{}", fit.slope,
                       proportional ? "" : fmt::format(" plus {:.5g}", fit.offset));
  if (proportional && same(fit.slope, std::numbers::log2e)) return Symptom::lse_base_2;
  return same(fit.slope, 1 / run.problem.scale) ? Symptom::lse_unscaled : Symptom::failed;
}

// All scores of a row are equal, and range from -4 to 3 over the rows. The line of the kernel's log-sum-exp
// over the right log-sum-exp shows the fault by its slope and offset.
Finding ask_lse_levels(const ProbeRunner& runner) {
  constexpr std::int64_t kLevels = 8;
  const Problem problem = runner.lse_problem(std::max(runner.block_q(), kLevels), runner.block_kv());
  ChosenInputs inputs = inputs_with_scores(problem, [](std::int64_t) { return 1.0; });
  for (std::size_t i = 0; i < inputs.q.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i) / problem.head_dim;
    const std::int64_t level = row % kLevels - kLevels / 2;
    inputs.q[i] *= static_cast<float>(level);
  }
  inputs.v = runner.random_inputs(problem).v;
  const ProbeRun run = runner.run(problem, inputs);
  if (run.lse_right()) return {Probe::lse_levels};
  Finding finding = failure(Probe::lse_levels, Symptom::failed, run, run.first_bad_lse());
  finding.symptom = symptom_of_lse(run, fit_line(run.wanted_lse, run.lse), finding.detail);
  return finding;
}

// If log P is the right one times a factor, up to the normalisation of each row, the scores have the wrong
// scale. If each row of P is the right one times a factor, the row sum is wrong.
Symptom symptom_of(const Probabilities& p, std::int64_t first_bad_row, std::string& detail) {
  const LogFit fit = fit_logarithms(p);
  constexpr double kExact = 0.99;
  constexpr double kOne = 0.02;
  if (fit.correlation < kExact) return Symptom::failed;
  if (std::fabs(fit.slope - 1) > kOne) {
    detail = fmt::format("P is the softmax of {:.4g} times the scores", fit.slope);
    return Symptom::scores_scaled;
  }
  detail = fmt::format("row {} of P sums to {:.4g}", first_bad_row, p.row_sum(first_bad_row));
  return Symptom::rows_scaled;
}

Finding judge(Probe probe, const Problem& problem, const Probabilities& p) {
  if (p.right) return {probe};
  Finding finding{.probe = probe, .symptom = Symptom::failed};
  finding.map = map_of_probabilities(p);
  finding.first_bad = first_bad_probability(p);
  finding.problem = problem;
  const std::int64_t row = finding.first_bad ? finding.first_bad->row : 0;
  if (finding.first_bad) {
    finding.detail =
        fmt::format("P at row {}, key {} is {:.4g}, wanted {:.4g}", finding.first_bad->row,
                    finding.first_bad->column, finding.first_bad->got, finding.first_bad->wanted);
  }
  finding.symptom = p.finite ? symptom_of(p, row, finding.detail) : Symptom::nonfinite;
  return finding;
}

Finding ask_probabilities(const ProbeRunner& runner) {
  const Problem problem = one_tile(runner);
  return judge(Probe::probabilities, problem,
               read_probabilities(runner, problem, runner.random_inputs(problem)));
}

// Key j is one-hot in column j + 1, so that its scores are this column of Q. The ones are not on the
// diagonal, because the identity stays the same if rows and columns are exchanged.
Finding ask_q_columns(const ProbeRunner& runner) {
  const Problem problem = one_tile(runner);
  ChosenInputs inputs = runner.random_inputs(problem);
  constexpr float kHeight = 4;
  inputs.k = make_tensor(key_shape(problem), [&](auto, std::int64_t key, std::int64_t column) {
    return column == (key + 1) % problem.head_dim ? kHeight : 0.0f;
  });
  return judge(Probe::q_columns, problem, read_probabilities(runner, problem, inputs));
}

Finding ask_row_sums(const ProbeRunner& runner) {
  const Problem problem = one_tile(runner);
  ChosenInputs inputs = runner.random_inputs(problem);
  inputs.v = constant_tensor(value_shape(problem), 1);
  const ProbeRun run = runner.run(problem, inputs);
  if (run.out_right()) return {Probe::row_sums};
  return failure(Probe::row_sums, Symptom::failed, run,
                 fmt::format("with V = 1 the first element of O is {:.4g}", run.out[0]));
}

Finding ask_rows_independent(const ProbeRunner& runner) {
  const Problem problem = one_tile(runner);
  ChosenInputs inputs = runner.random_inputs(problem);
  const ProbeRun before = runner.run(problem, inputs);
  const auto columns = static_cast<std::size_t>(problem.head_dim);
  const std::size_t row = static_cast<std::size_t>(problem.seq_q) / 2;
  for (std::size_t i = row * columns; i < (row + 1) * columns; ++i) inputs.q[i] = -inputs.q[i];
  const ProbeRun after = runner.run(problem, inputs);
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < after.out.size(); ++i) {
    const bool both_nan = std::isnan(after.out[i]) && std::isnan(before.out[i]);
    if (i / columns == row || after.out[i] == before.out[i] || both_nan) continue;
    if (changed.empty() || changed.back() != i / columns) changed.push_back(i / columns);
  }
  if (changed.empty()) return {Probe::rows_independent};
  return failure(Probe::rows_independent, Symptom::failed, after,
                 fmt::format("a change of Q's row {} changes O's rows {}", row, fmt::join(changed, ", ")));
}

Finding ask_scale(const ProbeRunner& runner) {
  Problem problem = one_tile(runner);
  problem.scale *= 0.5;
  return check_random(runner, Probe::scale, problem);
}

// One key has a score for which exp() overflows FP32 unless the maximum is subtracted first.
Finding ask_large_score(const ProbeRunner& runner) {
  const Problem problem = one_tile(runner);
  constexpr double kLarge = 200;
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return key == problem.seq_kv / 2 ? kLarge : 0.0; });
  inputs.v = runner.random_inputs(problem).v;
  const ProbeRun run = runner.run(problem, inputs);
  if (run.out_right()) return {Probe::large_score};
  return failure(Probe::large_score, run.finite() ? Symptom::failed : Symptom::nonfinite, run,
                 run.check.reason);
}

}  // namespace

std::span<const ProbeEntry> score_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::one_tile, "Is O of one tile right?", ask_one_tile},
      {Probe::one_tile_lse, "Is the log-sum-exp of one tile right?", ask_one_tile_lse},
      {Probe::lse_levels, "Does the log-sum-exp follow the scores of rows from -4 to 3?", ask_lse_levels},
      {Probe::probabilities, "Is P of one tile right? (V one-hot: O is P)", ask_probabilities},
      {Probe::row_sums, "Do the rows of P sum to 1? (V = 1)", ask_row_sums},
      {Probe::q_columns, "Does each key meet the right column of Q? (K one-hot)", ask_q_columns},
      {Probe::rows_independent, "Does a change of one row of Q change that row of O alone?",
       ask_rows_independent},
      {Probe::scale, "Does the kernel follow the scale it is given?", ask_scale},
      {Probe::large_score, "Is one score of 200 harmless?", ask_large_score},
  };
  return kProbes;
}

}  // namespace flashcore
