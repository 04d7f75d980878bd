#include "tune/dispatch_features.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "attention/sequence_plan.hpp"

namespace flashcore {
namespace {

constexpr double kTileRows = 64;
// With more waves than 2 to this power, the last one matters no more.
constexpr double kManyWaves = 4;
// The order of DispatchFeatures::values.
constexpr std::array<double, DispatchFeatures::kCount> kScales = {0.25, 1, 0.5, 0.7, 1, 0.5};

double ceil_div(double x, double y) { return std::ceil(x / y); }

// The rows and tiles of all sequences and heads.
struct TileWork {
  double rows = 0;
  double tiles = 0;
  double keys = 0;         // of all tiles
  double padded_keys = 0;  // the same, in whole steps of every split
};

TileWork tile_work(const Tile& tile, const Problem& problem) {
  const bool packs = tile.pack_gqa != 0;
  const auto group = static_cast<double>(problem.heads_q / problem.heads_kv);
  const auto heads = static_cast<double>(packs ? problem.heads_kv : problem.heads_q);
  const double splits = std::max(tile.kv_split_blocks, 1);
  TileWork work;
  const auto add = [&](double queries, double keys, double sequences) {
    const double rows = queries * (packs ? group : 1);
    const double tiles = sequences * heads * ceil_div(rows, std::max(tile.block_q, 1));
    const double step = std::max(tile.block_kv, 1);
    work.rows += sequences * heads * rows;
    work.tiles += tiles;
    work.keys += tiles * keys;
    work.padded_keys += tiles * splits * step * ceil_div(ceil_div(keys, splits), step);
  };
  if (!problem.lengths) {
    add(static_cast<double>(problem.seq_q), static_cast<double>(problem.seq_kv),
        static_cast<double>(problem.batch));
  } else {
    for (const SequenceRows& rows : sequence_rows(problem)) add(rows.queries, rows.keys, 1);
  }
  return work;
}

// The time of the waves over that of a device whose multiprocessors are all busy until the end.
double wave_overhead(double waves, bool is_even) {
  if (waves <= 0) return 1;
  if (waves <= 1) return 1 / waves;
  const double overhead = std::ceil(waves) / waves;
  return is_even ? overhead : (1 + overhead) / 2;  // short tiles fill the gaps
}

}  // namespace

double DispatchFeatures::distance_to(const DispatchFeatures& other) const {
  double sum = 0;
  for (std::size_t i = 0; i < kCount; ++i) sum += std::abs(values[i] - other.values[i]);
  return sum;
}

DispatchFeatures dispatch_features(const Problem& problem, int num_sms) {
  const auto group = static_cast<double>(problem.heads_q / problem.heads_kv);
  const auto queries = static_cast<double>(std::max<std::int64_t>(problem.seq_q, 1));
  const auto keys = static_cast<double>(std::max<std::int64_t>(problem.seq_kv, 1));
  const double sms = num_sms > 0 ? num_sms : 1;
  const auto blocks = [&](std::int64_t heads, double rows) {
    const double waves = static_cast<double>(problem.batch * heads) * std::max(1.0, rows / kTileRows) / sms;
    return num_sms > 0 ? std::min(std::log2(waves), kManyWaves) : std::log2(waves);
  };
  DispatchFeatures features{.values = {std::log2(std::max(flops(problem), 1.0)), std::log2(keys),
                                       std::log2(queries), std::log2(group * queries),
                                       blocks(problem.heads_kv, group * queries),
                                       blocks(problem.heads_q, queries)}};
  for (std::size_t i = 0; i < DispatchFeatures::kCount; ++i) features.values[i] *= kScales[i];
  return features;
}

double tile_overhead(const VariantSpec& spec, const Problem& problem, int slots) {
  const Tile& tile = spec.tile;
  const TileWork work = tile_work(tile, problem);
  if (work.rows <= 0 || work.keys <= 0) return 0;
  double overhead = work.padded_keys / work.keys;
  if (tile.block_q > 0) overhead *= work.tiles * tile.block_q / work.rows;
  if (slots > 0 && tile.block_q > 0) {
    const bool is_full = problem.seq_q == 1 || mask_of(problem).hides_nothing();
    const bool is_even = is_full && !problem.lengths && tile.schedule == 0;
    overhead *= wave_overhead(work.tiles * std::max(tile.kv_split_blocks, 1) / slots, is_even);
  }
  return std::log(overhead);
}

}  // namespace flashcore
