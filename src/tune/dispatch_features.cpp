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
constexpr std::array<double, DispatchFeatures::kCount> kScales = {0.25, 2, 0.5, 0.7, 1, 0.5};

double ceil_div(double x, double y) { return std::ceil(x / y); }

// The keys of a sequence that a query sees on average, and the same in whole steps of a tile.
struct TileKeys {
  double seen = 0;
  double padded = 0;
};

TileKeys tile_keys(const Tile& tile, double queries, double keys, double queries_per_tile, bool is_causal) {
  const double splits = std::max(tile.kv_split_blocks, 1);
  const double step = std::max(tile.block_kv, 1);
  if (!is_causal || queries <= 1) {
    return {.seen = keys, .padded = splits * step * ceil_div(ceil_div(keys, splits), step)};
  }
  // The last key of a tile is its last query's. If tiles have fewer queries than steps have keys, half a step is padding
  // on average.
  const double before = std::max(keys - queries, 0.0);
  const double last = std::min(before + (queries + std::min(queries_per_tile, queries)) / 2, keys);
  return {.seen = before + (std::min(queries, keys) + 1) / 2,
          .padded = last + std::max(step - queries_per_tile, 0.0) / 2};
}

// The rows and tiles of all sequences and heads.
struct TileWork {
  double rows = 0;
  double tiles = 0;
  double keys = 0;         // of all tiles
  double padded_keys = 0;  // the same in whole steps
};

// Query heads of a KV head.
double group_of(const Problem& problem) {
  return static_cast<double>(problem.heads_q) / static_cast<double>(problem.heads_kv);
}

TileWork tile_work(const Tile& tile, const Problem& problem) {
  const bool packs = tile.pack_gqa != 0;
  const double group = packs ? group_of(problem) : 1;
  const auto heads = static_cast<double>(packs ? problem.heads_kv : problem.heads_q);
  const double block_q = std::max(tile.block_q, 1);
  const Mask mask = mask_of(problem);
  const bool is_causal = mask.kind == MaskKind::window && mask.hides_later_keys() && mask.left < 0;
  TileWork work;
  const auto add = [&](double queries, double keys, double sequences) {
    const double tiles = sequences * heads * ceil_div(queries * group, block_q);
    const TileKeys of_tile = tile_keys(tile, queries, keys, block_q / group, is_causal);
    work.rows += sequences * heads * queries * group;
    work.tiles += tiles;
    work.keys += tiles * of_tile.seen;
    work.padded_keys += tiles * of_tile.padded;
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
  const double group = group_of(problem);
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
