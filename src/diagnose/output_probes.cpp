// Probes of the output. With Q = 0, P is uniform and O is the mean of V. The values of V are chosen so that O
// shows which elements of V arrive where.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

// Inputs with uniform P.
ChosenInputs uniform_inputs(const ProbeRunner& runner, const Problem& problem, std::vector<float> values) {
  ChosenInputs inputs = runner.random_inputs(problem);
  inputs.q = constant_tensor(query_shape(problem), 0);
  inputs.v = std::move(values);
  return inputs;
}

ProbeRun run_ones(const ProbeRunner& runner, const Problem& problem) {
  return runner.run(problem, uniform_inputs(runner, problem, constant_tensor(value_shape(problem), 1)));
}

Finding ask_plain(const ProbeRunner& runner) {
  const ProbeRun run = runner.run(runner.asked(), runner.random_inputs(runner.asked()));
  if (run.check.passed) return {Probe::plain};
  const bool lse_alone = run.out_right() && !run.lse_right();
  const Symptom symptom = lse_alone      ? Symptom::lse_alone
                          : run.finite() ? Symptom::failed
                                         : Symptom::nonfinite;
  return failure(Probe::plain, symptom, run, run.check.reason);
}

Finding ask_repeats(const ProbeRunner& runner) {
  Problem problem = runner.problem(3 * runner.block_q() + 5, 4 * runner.block_kv() + 3);
  const bool cuda = runner.device().backend == Backend::cuda;
  problem.batch = cuda ? 4 : 1;  // enough blocks to fill a GPU; a CPU needs only a few
  problem.heads_q = problem.heads_kv = cuda ? 8 : 2;
  constexpr int kLaunches = 8;
  std::vector<std::vector<float>> outputs;
  ProbeRun run = runner.run_again(problem, runner.random_inputs(problem), kLaunches,
                                  [&](const std::vector<float>& out) { outputs.push_back(out); });
  std::int64_t changed = 0;
  for (std::size_t i = 0; i < run.out.size(); ++i) {
    const auto differs = [&](const std::vector<float>& out) {
      const bool both_nan = std::isnan(out[i]) && std::isnan(run.out[i]);
      return !both_nan && out[i] != run.out[i] &&
             !(std::fabs(out[i] - run.out[i]) <= run.check.limit.max_abs);
    };
    changed += std::ranges::any_of(outputs, differs);
  }
  if (changed == 0) return {Probe::repeats};
  return failure(Probe::repeats, Symptom::failed, run,
                 fmt::format("{} of {} elements differ between {} launches on the same inputs", changed,
                             run.out.size(), kLaunches + 1));
}

Finding check_places(Probe probe, const ProbeRun& run) {
  const std::int64_t missing = std::ranges::count(run.unwritten, true);
  const std::int64_t outside = run.check.out_of_bounds;
  if (missing == 0 && outside == 0) return {probe};
  const Symptom symptom = missing > 0 && outside > 0 ? Symptom::misplaced
                          : missing > 0              ? Symptom::unwritten
                                                     : Symptom::out_of_bounds;
  return failure(probe, symptom, run,
                 fmt::format("{} of {} elements of O were not written, {} elements outside of it were",
                             missing, run.out.size(), outside));
}

Problem odd_problem(const ProbeRunner& runner, Layout layout) {
  Problem problem = runner.problem(2 * runner.block_q() + 1, runner.block_kv() + 1);
  problem.batch = problem.heads_q = problem.heads_kv = 2;
  problem.layout = layout;
  return problem;
}

ProbeRun run_odd(const ProbeRunner& runner, Layout layout) {
  const Problem problem = odd_problem(runner, layout);
  return runner.run(problem, runner.random_inputs(problem));
}

Finding ask_written(const ProbeRunner& runner) {
  return check_places(Probe::written, run_odd(runner, Layout::bhsd));
}

Finding ask_written_padded(const ProbeRunner& runner) {
  return check_places(Probe::written_padded, run_odd(runner, Layout::padded));
}

Finding ask_padded_values(const ProbeRunner& runner) {
  for (const Layout layout : {Layout::padded, Layout::bshd}) {
    Finding finding = check_random(runner, Probe::padded_values, odd_problem(runner, layout));
    finding.detail = finding.failed() ? fmt::format("layout {}: {}", to_string(layout), finding.detail) : "";
    if (finding.failed()) return finding;
  }
  return {Probe::padded_values};
}

// With V = 1, every element of O is 1, because each row of P sums to 1.
Finding ask_query_rows(const ProbeRunner& runner) {
  const ProbeRun run = run_ones(runner, runner.problem(2 * runner.block_q(), runner.block_kv()));
  if (run.out_right()) return {Probe::query_rows};
  Finding finding = failure(Probe::query_rows, Symptom::failed, run, run.check.reason);
  const std::int64_t wrong_rows =
      std::ranges::count_if(finding.map->cells, [](const std::string& row) { return row.front() != '.'; });
  if (wrong_rows > 0 && wrong_rows < finding.map->rows()) finding.symptom = Symptom::some_rows;
  if (std::ranges::all_of(run.out, [](float value) { return value == 0; }))
    finding.symptom = Symptom::all_zero;
  if (std::ranges::all_of(run.out, [](float value) { return std::isnan(value); })) {
    finding.symptom = Symptom::all_nan;
    finding.detail =
        fmt::format("{}: not one of {} elements is a number", describe_lengths(run.problem), run.out.size());
  }
  return finding;
}

Finding ask_query_tail(const ProbeRunner& runner) {
  for (const std::int64_t seq_q : {std::int64_t{1}, runner.block_q() + 1, 2 * runner.block_q() - 1}) {
    const ProbeRun run = run_ones(runner, runner.problem(seq_q, runner.block_kv()));
    if (run.out_right() && run.check.out_of_bounds == 0) continue;
    return failure(Probe::query_tail, Symptom::failed, run,
                   fmt::format("seq_q {}: {}", seq_q, run.check.reason));
  }
  return {Probe::query_tail};
}

// The column of V that each column of O shows, where each element of V is the number of its column. Empty if
// O does not show columns of V.
std::vector<std::int64_t> columns_shown(const ProbeRun& run) {
  std::vector<std::int64_t> shown;
  const std::int64_t head_dim = run.problem.head_dim;
  for (std::int64_t column = 0; column < head_dim; ++column) {
    const float value = run.out[static_cast<std::size_t>(column)];  // of the first row
    const float nearest = std::round(value);
    constexpr float kTolerance = 0.01f;
    if (!(std::fabs(value - nearest) <= kTolerance * std::max(1.0f, nearest))) return {};
    shown.push_back(static_cast<std::int64_t>(nearest));
  }
  const bool different = std::set<std::int64_t>(shown.begin(), shown.end()).size() > 1;
  return different ? shown : std::vector<std::int64_t>{};
}

Finding ask_columns(const ProbeRunner& runner) {
  const Problem problem = runner.problem(runner.block_q(), runner.block_kv());
  const auto number = [](auto, auto, std::int64_t column) { return static_cast<float>(column); };
  const ProbeRun run =
      runner.run(problem, uniform_inputs(runner, problem, make_tensor(value_shape(problem), number)));
  if (run.out_right()) return {Probe::columns};
  Finding finding = failure(Probe::columns, Symptom::failed, run, run.check.reason);
  const std::vector<std::int64_t> shown = columns_shown(run);
  for (std::size_t column = 0; column < shown.size(); ++column) {
    if (shown[column] == static_cast<std::int64_t>(column)) continue;
    finding.symptom = Symptom::columns_moved;
    finding.detail = fmt::format("column {} of O shows column {} of V", column, shown[column]);
    break;
  }
  return finding;
}

// V is constant in each head and differs between heads, so that O shows which head it was computed from.
Finding ask_which_head(const ProbeRunner& runner, Probe probe, std::int64_t heads_q, std::int64_t heads_kv) {
  Problem problem = runner.problem(runner.block_q(), runner.block_kv());
  problem.batch = 2;
  problem.heads_q = heads_q;
  problem.heads_kv = heads_kv;
  const auto number = [](std::int64_t head, auto, auto) { return static_cast<float>(head + 1); };
  const ProbeRun run =
      runner.run(problem, uniform_inputs(runner, problem, make_tensor(value_shape(problem), number)));
  if (run.out_right()) return {probe};
  Finding finding = failure(probe, Symptom::failed, run, run.check.reason);
  if (const auto& bad = finding.first_bad; bad && bad->got == std::round(bad->got) && bad->got >= 1) {
    const auto kv = [&](double value) { return (static_cast<std::int64_t>(value) - 1) % heads_kv; };
    finding.detail = fmt::format("query head {} of {} reads KV head {}, not {}", bad->head, heads_q,
                                 kv(bad->got), kv(bad->wanted));
  }
  return finding;
}

Finding ask_heads(const ProbeRunner& runner) { return ask_which_head(runner, Probe::heads, 3, 3); }
Finding ask_kv_heads(const ProbeRunner& runner) { return ask_which_head(runner, Probe::kv_heads, 6, 2); }

// Doubling V is exact in every dtype, so that O must double.
Finding ask_doubled_values(const ProbeRunner& runner) {
  const Problem problem = runner.problem(runner.block_q(), 2 * runner.block_kv());
  ChosenInputs inputs = runner.random_inputs(problem);
  const ProbeRun once = runner.run(problem, inputs);
  for (float& value : inputs.v) value *= 2;
  const ProbeRun twice = runner.run(problem, inputs);
  for (std::size_t i = 0; i < once.out.size(); ++i) {
    if (std::fabs(twice.out[i] - 2 * once.out[i]) <= twice.check.limit.max_abs) continue;
    return failure(Probe::doubled_values, Symptom::failed, twice, "O does not double with V");
  }
  return {Probe::doubled_values};
}

}  // namespace

std::span<const ProbeEntry> output_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::plain, "Is the answer to the problem asked for right?", ask_plain},
      {Probe::repeats, "Are the answers of several launches on the same inputs the same?", ask_repeats},
      {Probe::written, "Is all of O written, and nothing else?", ask_written},
      {Probe::written_padded, "The same with gaps between rows and heads", ask_written_padded},
      {Probe::padded_values, "Is O right with gaps, and with heads inside of rows?", ask_padded_values},
      {Probe::query_rows, "Do all rows of full query tiles arrive? (Q = 0, V = 1)", ask_query_rows},
      {Probe::query_tail, "And those of query tiles that are not full?", ask_query_tail},
      {Probe::columns, "Does column c of O show column c of V? (Q = 0, V = its column's number)",
       ask_columns},
      {Probe::heads, "Is each head made of its own V?", ask_heads},
      {Probe::kv_heads, "Does query head h read KV head h / (heads_q / heads_kv)?", ask_kv_heads},
      {Probe::doubled_values, "Does O double with V?", ask_doubled_values},
  };
  return kProbes;
}

}  // namespace flashcore
