// Probes of the mask. With Q = 0, all keys that a query sees have the same probability, so that P shows the
// mask.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "diagnose/probabilities.hpp"
#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

// A length of at least two tiles, for queries and for keys.
std::int64_t long_side(const ProbeRunner& runner) {
  constexpr std::int64_t kLeast = 16;
  return std::max({2 * runner.block_q(), 2 * runner.block_kv(), kLeast});
}

Probabilities read_mask(const ProbeRunner& runner, const Problem& problem) {
  ChosenInputs inputs = runner.random_inputs(problem);
  inputs.q = constant_tensor(query_shape(problem), 0);
  return read_probabilities(runner, problem, std::move(inputs));
}

// The number of keys that a row of P sees.
std::int64_t keys_seen(const std::vector<float>& p, const Probabilities& shape, std::int64_t row) {
  const float threshold = 0.5f / static_cast<float>(shape.keys);
  const auto begin = p.begin() + row * shape.keys;
  return std::count_if(begin, begin + shape.keys, [&](float value) { return value > threshold; });
}

// The number of keys by which the mask's edge is off, if it is the same in all rows whose edge lies within
// the keys.
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

Finding check_mask(Probe probe, const Problem& problem, const Probabilities& p) {
  if (p.right) return {probe};
  Finding finding{.probe = probe, .symptom = p.finite ? Symptom::failed : Symptom::nonfinite};
  finding.map = map_of_probabilities(p);
  finding.first_bad = first_bad_probability(p);
  finding.problem = problem;
  const std::int64_t row = finding.first_bad ? finding.first_bad->row : 0;
  finding.detail = fmt::format("seq_q {}, seq_kv {}: row {} sees {} keys, wanted {}", problem.seq_q,
                               problem.seq_kv, row, keys_seen(p.got, p, row), keys_seen(p.wanted, p, row));
  const std::optional<std::int64_t> offset = common_offset(p);
  if (!offset) return finding;
  if (std::abs(*offset) == 1) finding.symptom = Symptom::shifted_by_one;
  if (problem.seq_q != problem.seq_kv && *offset == problem.seq_q - problem.seq_kv) {
    finding.symptom = Symptom::aligned_top_left;
  }
  return finding;
}

Finding ask_causal(const ProbeRunner& runner, Probe probe, std::int64_t seq_q, std::int64_t seq_kv) {
  Problem problem = runner.problem(seq_q, seq_kv);
  problem.causal = true;
  return check_mask(probe, problem, read_mask(runner, problem));
}

Finding ask_causal_square(const ProbeRunner& runner) {
  return ask_causal(runner, Probe::causal_square, long_side(runner), long_side(runner));
}
Finding ask_causal_wide(const ProbeRunner& runner) {
  return ask_causal(runner, Probe::causal_wide, long_side(runner) / 2, long_side(runner));
}
Finding ask_causal_tall(const ProbeRunner& runner) {
  return ask_causal(runner, Probe::causal_tall, long_side(runner), long_side(runner) / 2);
}

Finding ask_window(const ProbeRunner& runner) {
  Problem problem = runner.problem(long_side(runner), long_side(runner));
  problem.window_left = problem.seq_kv / 4;
  problem.window_right = problem.seq_kv / 8;
  return check_mask(Probe::window, problem, read_mask(runner, problem));
}

Finding ask_softcap(const ProbeRunner& runner) {
  Problem problem = runner.problem(runner.block_q(), runner.block_kv());
  problem.softcap = 0.5;  // small enough to change the scores of random inputs
  return check_random(runner, Probe::softcap, problem);
}

// Without the log-sum-exp only O shows the sum.
Symptom symptom_of_key_tail(const ProbeRun& run) {
  if (run.lse.empty()) return Symptom::sum_off;
  if (run.lse_right()) return Symptom::output_alone;
  const bool too_few = std::exp(run.lse[0]) < static_cast<float>(run.problem.seq_kv) - 0.5f;
  return too_few ? Symptom::keys_lost : Symptom::sum_off;
}

std::string counted_keys(const ProbeRun& run) {
  if (run.lse.empty()) return "";
  return fmt::format("the sum counts {:.4g} keys, and ", std::exp(run.lse[0]));
}

// With Q = 0 and V = 1, O is 1 for any number of keys, and exp(log-sum-exp) is the number of keys. If the
// log-sum-exp is right and O is wrong, P·V may have lost bits.
Finding ask_key_tail(const ProbeRunner& runner) {
  for (const std::int64_t keys : {std::int64_t{1}, runner.block_kv() + 1, 2 * runner.block_kv() - 1}) {
    const Problem problem = runner.problem(runner.block_q(), keys);
    ChosenInputs inputs = inputs_with_scores(problem, [](std::int64_t) { return 0.0; });
    inputs.v = constant_tensor(value_shape(problem), 1);
    const ProbeRun run = runner.run(problem, inputs);
    if (run.out_right() && run.lse_right()) continue;
    return failure(Probe::key_tail, run.finite() ? symptom_of_key_tail(run) : Symptom::nonfinite, run,
                   fmt::format("seq_kv {}: {}with V = 1 the first element of O is {:.4g}", keys,
                               counted_keys(run), run.out[0]));
  }
  return {Probe::key_tail};
}

// Keys that have no weight in any row.
std::vector<std::int64_t> lost_keys(const Probabilities& p) {
  const float threshold = 0.5f / static_cast<float>(p.keys);
  std::vector<std::int64_t> lost;
  for (std::int64_t key = 0; key < p.keys; ++key) {
    bool weighs = false;
    for (std::int64_t row = 0; row < p.rows; ++row) {
      weighs |= !(p.got[static_cast<std::size_t>(row * p.keys + key)] <= threshold);
    }
    if (!weighs) lost.push_back(key);
  }
  return lost;
}

Finding ask_full_tiles(const ProbeRunner& runner) {
  const std::int64_t block_kv = runner.block_kv();
  for (std::int64_t tiles = 1; tiles <= 3; ++tiles) {
    const Problem problem = runner.problem(runner.block_q(), tiles * block_kv);
    const Probabilities p = read_mask(runner, problem);
    if (p.right) continue;
    Finding finding{.probe = Probe::full_tiles, .symptom = Symptom::failed, .problem = problem};
    finding.map = map_of_probabilities(p);
    finding.first_bad = first_bad_probability(p);
    const std::vector<std::int64_t> lost = lost_keys(p);
    finding.detail = lost.empty() ? fmt::format("{}: P is wrong", describe_lengths(problem))
                                  : fmt::format("{}: no weight for key{} {}", describe_lengths(problem),
                                                lost.size() > 1 ? "s" : "", fmt::join(lost, ", "));
    const auto ends_tile = [block_kv](std::int64_t key) { return key % block_kv == block_kv - 1; };
    if (!lost.empty() && std::ranges::all_of(lost, ends_tile)) finding.symptom = Symptom::last_key_lost;
    return finding;
  }
  return {Probe::full_tiles};
}

std::string number_text(float value) {
  return std::isnan(value) ? "NaN" : fmt::format("{:.4g}", value);  // the sign of NaN has no meaning
}

// The first error in the first `rows` rows, which see no key. Empty if they are right.
std::string wrong_in_keyless_rows(const ProbeRun& run, std::int64_t rows) {
  const std::int64_t elements = rows * run.problem.head_dim;
  for (std::int64_t i = 0; i < elements; ++i) {
    const float got = run.out[static_cast<std::size_t>(i)];
    if (got != 0)
      return fmt::format("row {} of O has {}, wanted 0", i / run.problem.head_dim, number_text(got));
  }
  for (std::int64_t row = 0; row < rows && !run.lse.empty(); ++row) {
    const float got = run.lse[static_cast<std::size_t>(row)];
    if (got != -INFINITY)
      return fmt::format("the log-sum-exp of row {} is {}, wanted -inf", row, number_text(got));
  }
  return "";
}

// A causal mask with more queries than keys: the first rows see no key. Fails only if all other rows are
// right.
Finding ask_keyless_rows(const ProbeRunner& runner) {
  Problem problem = runner.problem(long_side(runner), long_side(runner) / 2);
  problem.causal = true;
  const ProbeRun run = runner.run(problem, runner.random_inputs(problem));
  const std::int64_t keyless = problem.seq_q - problem.seq_kv;
  for (auto i = static_cast<std::size_t>(keyless * problem.head_dim); i < run.out.size(); ++i) {
    if (!(std::fabs(run.out[i] - run.wanted_out[i]) <= run.check.limit.max_abs)) return {Probe::keyless_rows};
  }
  const std::string wrong = wrong_in_keyless_rows(run, keyless);
  if (wrong.empty()) return {Probe::keyless_rows};
  return failure(Probe::keyless_rows, Symptom::failed, run,
                 fmt::format("{}, causal: {}", describe_lengths(problem), wrong));
}

}  // namespace

std::span<const ProbeEntry> mask_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::key_tail, "Are keys after the last one left out? (seq_kv 1, a tile and 1, two tiles less 1)",
       ask_key_tail},
      {Probe::full_tiles, "Does every key count where all tiles are full? (Q = 0: P shows it)",
       ask_full_tiles},
      {Probe::causal_square, "Is the causal mask right with seq_q = seq_kv? (Q = 0: P shows it)",
       ask_causal_square},
      {Probe::causal_wide, "And with more keys than queries?", ask_causal_wide},
      {Probe::causal_tall, "And with more queries than keys?", ask_causal_tall},
      {Probe::keyless_rows, "Are O = 0 and log-sum-exp = -inf in rows that see no key?", ask_keyless_rows},
      {Probe::window, "Is a window right?", ask_window},
      {Probe::softcap, "Is a soft cap right?", ask_softcap},
  };
  return kProbes;
}

}  // namespace flashcore
