// Probes of the online softmax: what a kernel carries from one tile of keys to the next. The scores are
// constant in a tile, and with V = 1 in one tile and 0 elsewhere O is the weight of that tile.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

// The weight of each tile of keys, a launch each.
struct TileWeights {
  std::vector<double> got, wanted;
  Trial worst;  // the first that is wrong, else the last
  bool right = true;
  // Weights are medians: what is wrong in some rows or columns alone does not show in them.
  std::string text() const {
    if (got == wanted) return worst.check.reason;
    return fmt::format("tiles weigh {:.3g}, wanted {:.3g}", fmt::join(got, ", "), fmt::join(wanted, ", "));
  }
};

// A kernel may round P once and O once. The check's limit does not hold here: it stands on the yardstick's
// error and on roundings that average out, while all elements of a weight share one rounding, which the
// yardstick may be spared.
bool right_but_rounding(const Trial& trial) {
  constexpr double kRoundings = 2.5;  // the two, and what the first does to the sum
  const double relative = kRoundings * unit_roundoff(trial.problem.dtype);
  return std::ranges::equal(trial.out, trial.wanted_out, [relative](float got, float wanted) {
    return std::fabs(got - wanted) <= relative * std::fabs(static_cast<double>(wanted));
  });
}

double median(std::vector<float> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return static_cast<double>(*middle);
}

// The median over O, so that rows and columns that are wrong for reasons of their own do not count. NaN has
// no order.
double weight_of(const std::vector<float>& out) {
  if (std::ranges::any_of(out, [](float value) { return std::isnan(value); })) return std::nan("");
  return median(out);
}

template <class TileScore>
TileWeights weigh_tiles(const Bench& bench, std::int64_t tiles, TileScore tile_score) {
  const std::int64_t block_kv = bench.block_kv();
  const Problem problem = bench.problem(bench.block_q(), tiles * block_kv);
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return tile_score(key / block_kv); });
  TileWeights weights;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    inputs.v = make_tensor(key_value_shape(problem), [&](auto, std::int64_t key, auto) {
      return key / block_kv == tile ? 1.0f : 0.0f;
    });
    Trial trial = bench.run(problem, inputs);
    weights.got.push_back(weight_of(trial.out));
    weights.wanted.push_back(weight_of(trial.wanted_out));
    if (weights.right) {
      weights.right = trial.out_right() || right_but_rounding(trial);
      weights.worst = std::move(trial);
    }
  }
  return weights;
}

Finding ask_tile_masses(const Bench& bench) {
  const TileWeights weights = weigh_tiles(bench, 5, [](std::int64_t) { return 0.0; });
  if (weights.right) return {Probe::tile_masses};
  Finding finding = failure(Probe::tile_masses, Sign::failed, weights.worst, weights.text());
  const std::vector<float> masses(weights.got.begin(), weights.got.end());
  const double usual = median(masses);
  const double least = std::ranges::min(weights.got);
  const double most = std::ranges::max(weights.got);
  if (usual > 0 && most > 1.5 * usual) {
    finding.sign = Sign::tile_repeated;
  } else if (usual > 0 && least < 0.1 * usual) {
    finding.sign = Sign::tile_missing;
  }
  return finding;
}

Sign judge_weights(const TileWeights& weights) {
  std::vector<double> ratio;
  for (std::size_t i = 0; i < weights.got.size(); ++i) ratio.push_back(weights.got[i] / weights.wanted[i]);
  constexpr double kSame = 0.02;
  const auto same = [](double a, double b) { return std::fabs(a - b) <= kSame * std::fabs(b); };
  if (std::ranges::all_of(ratio, [&](double value) { return same(value, 1); })) return Sign::failed;
  if (std::ranges::all_of(ratio, [&](double value) { return same(value, ratio.front()); })) {
    return Sign::evenly_scaled;
  }
  if (same(ratio.back(), 1) && ratio.front() > 1 + kSame) return Sign::old_tiles_heavy;
  return Sign::failed;
}

// Between neighbouring tiles; exp(2) of the one to the other.
constexpr double kStep = 2;

Finding judge_steps(Probe probe, const TileWeights& weights) {
  if (weights.right) return {probe};
  return failure(probe, judge_weights(weights), weights.worst, weights.text());
}

Finding ask_rising(const Bench& bench) {
  return judge_steps(Probe::rising, weigh_tiles(bench, 3, [](std::int64_t tile) {
                       return kStep * static_cast<double>(tile);
                     }));
}

Finding ask_falling(const Bench& bench) {
  return judge_steps(Probe::falling, weigh_tiles(bench, 3, [](std::int64_t tile) {
                       return -kStep * static_cast<double>(tile);
                     }));
}

Finding ask_rising_lse(const Bench& bench) {
  const std::int64_t block_kv = bench.block_kv();
  const Problem problem = bench.problem(bench.block_q(), 3 * block_kv);
  const Trial trial = bench.run(problem, inputs_with_scores(problem, [&](std::int64_t key) {
                                  const std::int64_t tile = key / block_kv;
                                  return kStep * static_cast<double>(tile);
                                }));
  if (trial.lse_right()) return {Probe::rising_lse};
  return failure(Probe::rising_lse, Sign::failed, trial,
                 fmt::format("log-sum-exp {:.5g}, wanted {:.5g}", trial.lse[0], trial.wanted_lse[0]));
}

// The first tile's scores are so far above the second's that exp() of their distance overflows.
Finding ask_falling_far(const Bench& bench) {
  const std::int64_t block_kv = bench.block_kv();
  constexpr double kFar = 120;
  const Problem problem = bench.problem(bench.block_q(), 2 * block_kv);
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return key < block_kv ? kFar : -kFar; });
  inputs.v = bench.random_inputs(problem).v;
  const Trial trial = bench.run(problem, inputs);
  if (trial.out_right()) return {Probe::falling_far};
  return failure(Probe::falling_far, trial.finite() ? Sign::failed : Sign::nonfinite, trial,
                 trial.check.reason);
}

// More keys than a half can count, each of a weight that a half holds exactly; V = 1.
Finding ask_long_sum(const Bench& bench) {
  constexpr std::int64_t kKeys = 8192;
  constexpr double kWeight = 45.0 / 128;
  const Problem problem = bench.problem(std::min<std::int64_t>(bench.block_q(), 8), kKeys);
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return key == 0 ? 0 : std::log(kWeight); });
  inputs.v = constant_tensor(key_value_shape(problem), 1);
  const Trial trial = bench.run(problem, inputs);
  if (trial.lse_right()) {
    if (trial.out_right()) return {Probe::long_sum};
    return failure(Probe::long_sum, Sign::output_alone, trial,
                   fmt::format("over {} equal values O is {:.5g}, wanted {:.5g}", kKeys, trial.out[0],
                               trial.wanted_out[0]));
  }
  return failure(Probe::long_sum, Sign::sum_off, trial,
                 fmt::format("over {} keys exp(log-sum-exp) is {:.5g}, wanted {:.5g}", kKeys,
                             std::exp(trial.lse[0]), std::exp(trial.wanted_lse[0])));
}

Finding ask_shift(const Bench& bench) {
  const Problem problem = bench.problem(bench.block_q(), 2 * bench.block_kv());
  ChosenInputs inputs = bench.random_inputs(problem);
  const auto columns = static_cast<std::size_t>(problem.head_dim);
  const auto set_first_column = [columns](std::vector<float>& tensor, float value) {
    for (std::size_t i = 0; i < tensor.size(); i += columns) tensor[i] = value;
  };
  set_first_column(inputs.q, 1);
  set_first_column(inputs.k, 0);
  const Trial before = bench.run(problem, inputs);
  constexpr float kShift = 64;  // of the products; the scores move by this times the scale
  set_first_column(inputs.k, kShift);
  const Trial after = bench.run(problem, inputs);
  for (std::size_t i = 0; i < after.out.size(); ++i) {
    if (std::fabs(after.out[i] - before.out[i]) <= after.check.limit.max_abs + before.check.limit.max_abs)
      continue;
    return failure(Probe::shift, Sign::failed, after, "O changes when every score grows by the same");
  }
  return {Probe::shift};
}

Finding ask_permuted_keys(const Bench& bench) {
  const Problem problem = bench.problem(bench.block_q(), 3 * bench.block_kv());
  ChosenInputs inputs = bench.random_inputs(problem);
  const Trial before = bench.run(problem, inputs);
  const auto reverse_rows = [&](std::vector<float>& tensor) {
    for (std::int64_t row = 0; row < problem.seq_kv / 2; ++row) {
      std::swap_ranges(tensor.begin() + row * problem.head_dim, tensor.begin() + (row + 1) * problem.head_dim,
                       tensor.begin() + (problem.seq_kv - 1 - row) * problem.head_dim);
    }
  };
  reverse_rows(inputs.k);
  reverse_rows(inputs.v);
  const Trial after = bench.run(problem, inputs);
  for (std::size_t i = 0; i < after.out.size(); ++i) {
    if (std::fabs(after.out[i] - before.out[i]) <= after.check.limit.max_abs + before.check.limit.max_abs)
      continue;
    return failure(Probe::permuted_keys, Sign::failed, after,
                   "O changes when the keys and their values change places");
  }
  return {Probe::permuted_keys};
}

}  // namespace

std::span<const ProbeEntry> softmax_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::tile_masses, ask_tile_masses},
      {Probe::rising, ask_rising},
      {Probe::rising_lse, ask_rising_lse},
      {Probe::falling, ask_falling},
      {Probe::falling_far, ask_falling_far},
      {Probe::long_sum, ask_long_sum},
      {Probe::shift, ask_shift},
      {Probe::permuted_keys, ask_permuted_keys},
  };
  return kProbes;
}

}  // namespace flashcore
