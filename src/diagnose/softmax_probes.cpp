// Probes of the online softmax: the maximum, sum and output that a kernel carries from one tile of keys to
// the next. For the weight of a tile, all scores of a tile are equal, V is 1 in this tile and 0 elsewhere: O
// is then the weight.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

// The weight of each tile of keys, from one launch per tile.
struct TileWeights {
  std::vector<double> got, wanted;
  ProbeRun worst;  // the first wrong run, or else the last run
  bool right = true;
  // Weights are medians, so that they do not show errors in only some rows or columns.
  std::string text() const {
    if (got == wanted) return worst.check.reason;
    return fmt::format("tiles weigh {:.3g}, wanted {:.3g}", fmt::join(got, ", "), fmt::join(wanted, ", "));
  }
};

// A kernel may round P once and O once. The check's limit is too small here: it assumes that rounding errors
// average out. But all elements of a weight have the same error, and the unfused attention may not have it.
bool right_but_rounding(const ProbeRun& run) {
  constexpr double kRoundings = 2.5;  // of P and of O, and the effect of the first on the sum
  const double relative = kRoundings * unit_roundoff(run.problem.dtype);
  return std::ranges::equal(run.out, run.wanted_out, [relative](float got, float wanted) {
    return std::fabs(got - wanted) <= relative * std::fabs(static_cast<double>(wanted));
  });
}

double median(std::vector<float> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return static_cast<double>(*middle);
}

// The median over O, so that errors in single rows or columns do not count. NaN if an element is NaN, because
// NaN cannot be ordered.
double weight_of(const std::vector<float>& out) {
  if (std::ranges::any_of(out, [](float value) { return std::isnan(value); })) return std::nan("");
  return median(out);
}

template <class TileScore>
TileWeights weigh_tiles(const ProbeRunner& runner, std::int64_t tiles, TileScore tile_score) {
  const std::int64_t block_kv = runner.block_kv();
  const Problem problem = runner.problem(runner.block_q(), tiles * block_kv);
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return tile_score(key / block_kv); });
  TileWeights weights;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    inputs.v = make_tensor(value_shape(problem), [&](auto, std::int64_t key, auto) {
      return key / block_kv == tile ? 1.0f : 0.0f;
    });
    ProbeRun run = runner.run(problem, inputs);
    weights.got.push_back(weight_of(run.out));
    weights.wanted.push_back(weight_of(run.wanted_out));
    if (weights.right) {
      weights.right = run.out_right() || right_but_rounding(run);
      weights.worst = std::move(run);
    }
  }
  return weights;
}

Finding ask_tile_masses(const ProbeRunner& runner) {
  const TileWeights weights = weigh_tiles(runner, 5, [](std::int64_t) { return 0.0; });
  if (weights.right) return {Probe::tile_masses};
  Finding finding = failure(Probe::tile_masses, Symptom::failed, weights.worst, weights.text());
  const std::vector<float> masses(weights.got.begin(), weights.got.end());
  const double usual = median(masses);
  const double least = std::ranges::min(weights.got);
  const double most = std::ranges::max(weights.got);
  if (usual > 0 && most > 1.5 * usual) {
    finding.symptom = Symptom::tile_repeated;
  } else if (usual > 0 && least < 0.1 * usual) {
    finding.symptom = Symptom::tile_missing;
  }
  return finding;
}

Symptom symptom_of(const TileWeights& weights) {
  std::vector<double> ratio;
  for (std::size_t i = 0; i < weights.got.size(); ++i) ratio.push_back(weights.got[i] / weights.wanted[i]);
  constexpr double kSame = 0.02;
  const auto same = [](double a, double b) { return std::fabs(a - b) <= kSame * std::fabs(b); };
  if (std::ranges::all_of(ratio, [&](double value) { return same(value, 1); })) return Symptom::failed;
  if (std::ranges::all_of(ratio, [&](double value) { return same(value, ratio.front()); })) {
    return Symptom::evenly_scaled;
  }
  if (same(ratio.back(), 1) && ratio.front() > 1 + kSame) return Symptom::old_tiles_heavy;
  return Symptom::failed;
}

// The difference of the scores of neighbouring tiles. Their weights differ by the factor exp(2).
constexpr double kStep = 2;

Finding check_weights(Probe probe, const TileWeights& weights) {
  if (weights.right) return {probe};
  return failure(probe, symptom_of(weights), weights.worst, weights.text());
}

Finding ask_rising(const ProbeRunner& runner) {
  return check_weights(Probe::rising, weigh_tiles(runner, 3, [](std::int64_t tile) {
                         return kStep * static_cast<double>(tile);
                       }));
}

Finding ask_falling(const ProbeRunner& runner) {
  return check_weights(Probe::falling, weigh_tiles(runner, 3, [](std::int64_t tile) {
                         return -kStep * static_cast<double>(tile);
                       }));
}

Finding ask_rising_lse(const ProbeRunner& runner) {
  const std::int64_t block_kv = runner.block_kv();
  const Problem problem = runner.lse_problem(runner.block_q(), 3 * block_kv);
  const ProbeRun run = runner.run(problem, inputs_with_scores(problem, [&](std::int64_t key) {
                                    const std::int64_t tile = key / block_kv;
                                    return kStep * static_cast<double>(tile);
                                  }));
  if (run.lse_right()) return {Probe::rising_lse};
  return failure(Probe::rising_lse, Symptom::failed, run, run.first_bad_lse());
}

// The first tile's scores are so far above the second tile's that exp() of the difference overflows FP32.
Finding ask_falling_far(const ProbeRunner& runner) {
  const std::int64_t block_kv = runner.block_kv();
  constexpr double kFar = 120;
  const Problem problem = runner.problem(runner.block_q(), 2 * block_kv);
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return key < block_kv ? kFar : -kFar; });
  inputs.v = runner.random_inputs(problem).v;
  const ProbeRun run = runner.run(problem, inputs);
  if (run.out_right()) return {Probe::falling_far};
  return failure(Probe::falling_far, run.finite() ? Symptom::failed : Symptom::nonfinite, run,
                 run.check.reason);
}

// All scores are far below 0, so that exp(score) is 0 unless the maximum is subtracted. Scores rise from tile
// to tile, so that the maximum grows.
Finding ask_far_below(const ProbeRunner& runner) {
  constexpr double kRise = 4;
  for (const std::int64_t keys : {runner.block_kv(), 3 * runner.block_kv(), std::int64_t{1}}) {
    for (const double lowest : {-100.0, -1000.0, -1e4}) {
      const Problem problem = runner.problem(runner.block_q(), keys);
      ChosenInputs inputs = inputs_with_scores(problem, [&](std::int64_t key) {
        const std::int64_t tile = key / runner.block_kv();
        return lowest + kRise * static_cast<double>(tile);
      });
      inputs.v = runner.random_inputs(problem).v;
      const ProbeRun run = runner.run(problem, inputs);
      if (run.out_right()) continue;
      return failure(Probe::far_below, run.finite() ? Symptom::failed : Symptom::nonfinite, run,
                     fmt::format("rows whose scores are all near {} go wrong (seq_kv {}): {}", lowest, keys,
                                 run.check.reason));
    }
  }
  return {Probe::far_below};
}

// The sum has more keys than fp16 can count. Each weight is exact in fp16, and V = 1.
Finding ask_long_sum(const ProbeRunner& runner) {
  constexpr std::int64_t kKeys = 8192;
  constexpr double kWeight = 45.0 / 128;
  const Problem problem = runner.problem(std::min<std::int64_t>(runner.block_q(), 8), kKeys);
  ChosenInputs inputs =
      inputs_with_scores(problem, [&](std::int64_t key) { return key == 0 ? 0 : std::log(kWeight); });
  inputs.v = constant_tensor(value_shape(problem), 1);
  const ProbeRun run = runner.run(problem, inputs);
  if (run.lse_right()) {
    if (run.out_right()) return {Probe::long_sum};
    return failure(
        Probe::long_sum, Symptom::output_alone, run,
        fmt::format("over {} equal values O is {:.5g}, wanted {:.5g}", kKeys, run.out[0], run.wanted_out[0]));
  }
  const Symptom symptom = run.out_right() ? Symptom::lse_alone : Symptom::sum_off;
  return failure(Probe::long_sum, symptom, run,
                 fmt::format("over {} keys exp(log-sum-exp) is {:.5g}, wanted {:.5g}", kKeys,
                             std::exp(run.lse[0]), std::exp(run.wanted_lse[0])));
}

Finding ask_shift(const ProbeRunner& runner) {
  const Problem problem = runner.problem(runner.block_q(), 2 * runner.block_kv());
  ChosenInputs inputs = runner.random_inputs(problem);
  const auto columns = static_cast<std::size_t>(problem.head_dim);
  const auto set_first_column = [columns](std::vector<float>& tensor, float value) {
    for (std::size_t i = 0; i < tensor.size(); i += columns) tensor[i] = value;
  };
  set_first_column(inputs.q, 1);
  set_first_column(inputs.k, 0);
  const ProbeRun before = runner.run(problem, inputs);
  constexpr float kShift = 64;  // added to every Q·K; the scores grow by this times the scale
  set_first_column(inputs.k, kShift);
  const ProbeRun after = runner.run(problem, inputs);
  for (std::size_t i = 0; i < after.out.size(); ++i) {
    if (std::fabs(after.out[i] - before.out[i]) <= after.check.limit.max_abs + before.check.limit.max_abs)
      continue;
    return failure(Probe::shift, Symptom::failed, after, "O changes when every score grows by the same");
  }
  return {Probe::shift};
}

Finding ask_permuted_keys(const ProbeRunner& runner) {
  const Problem problem = runner.problem(runner.block_q(), 3 * runner.block_kv());
  ChosenInputs inputs = runner.random_inputs(problem);
  const ProbeRun before = runner.run(problem, inputs);
  const auto reverse_rows = [&](std::vector<float>& tensor) {
    for (std::int64_t row = 0; row < problem.seq_kv / 2; ++row) {
      std::swap_ranges(tensor.begin() + row * problem.head_dim, tensor.begin() + (row + 1) * problem.head_dim,
                       tensor.begin() + (problem.seq_kv - 1 - row) * problem.head_dim);
    }
  };
  reverse_rows(inputs.k);
  reverse_rows(inputs.v);
  const ProbeRun after = runner.run(problem, inputs);
  for (std::size_t i = 0; i < after.out.size(); ++i) {
    if (std::fabs(after.out[i] - before.out[i]) <= after.check.limit.max_abs + before.check.limit.max_abs)
      continue;
    return failure(Probe::permuted_keys, Symptom::failed, after,
                   "O changes when the keys and their values change places");
  }
  return {Probe::permuted_keys};
}

}  // namespace

std::span<const ProbeEntry> softmax_probes() {
  static constexpr ProbeEntry kProbes[] = {
      {Probe::tile_masses, "Do five tiles of equal scores weigh the same?", ask_tile_masses},
      {Probe::rising, "Do three tiles with rising scores weigh what they should?", ask_rising},
      {Probe::rising_lse, "And their log-sum-exp?", ask_rising_lse},
      {Probe::falling, "Do three tiles with falling scores weigh what they should?", ask_falling},
      {Probe::falling_far, "Is a tile of scores 240 below the first one harmless?", ask_falling_far},
      {Probe::far_below, "Are rows right whose scores are all far below 0?", ask_far_below},
      {Probe::long_sum, "Is a sum over 8192 keys right?", ask_long_sum},
      {Probe::shift, "Does O stay when every score grows by the same?", ask_shift},
      {Probe::permuted_keys, "Does O stay when keys and their values change places?", ask_permuted_keys},
  };
  return kProbes;
}

}  // namespace flashcore
