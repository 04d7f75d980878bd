// Probes of the mask: with Q = 0 every key that a query sees weighs the same, so that P shows the mask.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "diagnose/probabilities.hpp"
#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

// Sequences of at least two tiles both ways.
std::int64_t long_side(const Bench& bench) {
  constexpr std::int64_t kLeast = 16;
  return std::max({2 * bench.block_q(), 2 * bench.block_kv(), kLeast});
}

Probabilities read_mask(const Bench& bench, const Problem& problem) {
  ChosenInputs inputs = bench.random_inputs(problem);
  inputs.q = constant_tensor(query_shape(problem), 0);
  return read_probabilities(bench, problem, std::move(inputs));
}

// How many keys a row of P sees.
std::int64_t keys_seen(const std::vector<float>& p, const Probabilities& shape, std::int64_t row) {
  const float threshold = 0.5f / static_cast<float>(shape.keys);
  const auto begin = p.begin() + row * shape.keys;
  return std::count_if(begin, begin + shape.keys, [&](float value) { return value > threshold; });
}

// By how many keys the mask's edge is off, when it is by the same in all rows whose edge lies within the
// keys.
std::optional<std::int64_t> common_offset(const Probabilities& p) {
  std::optional<std::int64_t> offset;
  for (std::int64_t row = 0; row < p.rows; ++row) {
    const std::int64_t got = keys_seen(p.got, p, row);
    const std::int64_t wanted = keys_seen(p.wanted, p, row);
    if (got == 0 || got == p.keys || wanted == 0 || wanted == p.keys) continue;
    if (offset && *offset != got - wanted) return std::nullopt;
    offset = got - wanted;
  }
  return offset;
}

Finding judge_mask(Probe probe, const Problem& problem, const Probabilities& p) {
  if (p.right) return {probe};
  Finding finding{.probe = probe, .sign = p.finite ? Sign::failed : Sign::nonfinite};
  finding.map = map_of_probabilities(p);
  finding.first_bad = first_bad_probability(p);
  const std::int64_t row = finding.first_bad ? finding.first_bad->row : 0;
  finding.detail = fmt::format("seq_q {}, seq_kv {}: row {} sees {} keys, wanted {}", problem.seq_q,
                               problem.seq_kv, row, keys_seen(p.got, p, row), keys_seen(p.wanted, p, row));
  const std::optional<std::int64_t> offset = common_offset(p);
  if (!offset) return finding;
  if (std::abs(*offset) == 1) finding.sign = Sign::shifted_by_one;
  if (problem.seq_q != problem.seq_kv && *offset == problem.seq_q - problem.seq_kv) {
    finding.sign = Sign::aligned_top_left;
  }
  return finding;
}

Finding ask_causal(const Bench& bench, Probe probe, std::int64_t seq_q, std::int64_t seq_kv) {
  Problem problem = bench.problem(seq_q, seq_kv);
  problem.causal = true;
  return judge_mask(probe, problem, read_mask(bench, problem));
}

Finding ask_causal_square(const Bench& bench) {
  return ask_causal(bench, Probe::causal_square, long_side(bench), long_side(bench));
}
Finding ask_causal_wide(const Bench& bench) {
  return ask_causal(bench, Probe::causal_wide, long_side(bench) / 2, long_side(bench));
}
Finding ask_causal_tall(const Bench& bench) {
  return ask_causal(bench, Probe::causal_tall, long_side(bench), long_side(bench) / 2);
}

Finding ask_window(const Bench& bench) {
  Problem problem = bench.problem(long_side(bench), long_side(bench));
  problem.window_left = problem.seq_kv / 4;
  problem.window_right = problem.seq_kv / 8;
  return judge_mask(Probe::window, problem, read_mask(bench, problem));
}

Finding ask_softcap(const Bench& bench) {
  Problem problem = bench.problem(bench.block_q(), bench.block_kv());
  problem.softcap = 0.5;  // bends even scores of random inputs
  return check_random(bench, Probe::softcap, problem);
}

// Q = 0 and V = 1: O is 1 whatever is counted, and the log-sum-exp counts the keys. Where that is right, and
// O is not, P·V may have lost bits.
Finding ask_key_tail(const Bench& bench) {
  for (const std::int64_t keys : {std::int64_t{1}, bench.block_kv() + 1, 2 * bench.block_kv() - 1}) {
    const Problem problem = bench.problem(bench.block_q(), keys);
    ChosenInputs inputs = inputs_with_scores(problem, [](std::int64_t) { return 0.0; });
    inputs.v = constant_tensor(key_value_shape(problem), 1);
    const Trial trial = bench.run(problem, inputs);
    if (trial.out_right() && trial.lse_right()) continue;
    const Sign sign = trial.lse_right() ? Sign::output_alone : Sign::sum_off;
    return failure(
        Probe::key_tail, trial.finite() ? sign : Sign::nonfinite, trial,
        fmt::format("seq_kv {}: the sum counts {:.4g} keys, and with V = 1 the first element of O is {:.4g}",
                    keys, std::exp(trial.lse[0]), trial.out[0]));
  }
  return {Probe::key_tail};
}

}  // namespace

std::span<const ProbeEntry> mask_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::key_tail, ask_key_tail},       {Probe::causal_square, ask_causal_square},
      {Probe::causal_wide, ask_causal_wide}, {Probe::causal_tall, ask_causal_tall},
      {Probe::window, ask_window},           {Probe::softcap, ask_softcap},
  };
  return kProbes;
}

}  // namespace flashcore
