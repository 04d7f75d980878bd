#include "run/check_cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace flashcore {
namespace {

using kernels::InputKind;

// Not multiples of any tile size. There are more keys than in the largest tile, and more than in two tiles of
// 128 keys.
constexpr std::int64_t kQueries = 149;
constexpr std::int64_t kKeys = 331;
constexpr std::int64_t kKeysOfOneTile = 8;  // a single tile for all but the smallest tiles
constexpr std::int64_t kMaxHeadsKv = 2;
constexpr int kFurtherSeeds = 2;
constexpr int kReplays = 10;  // with other lengths
// The tile size in the edge cases of families that have no tile or do not state it.
constexpr int kUsualBlock = 64;

// Of a ragged batch: the longest sequence, one query, fewer keys than the others, no query, no key (which serving engines
// pad a batch with), and more queries than keys.
Lengths small_lengths(std::int64_t seq_q, std::int64_t seq_kv) {
  const auto queries = static_cast<std::int32_t>(seq_q);
  const auto keys = static_cast<std::int32_t>(seq_kv);
  return {.q = {queries, 1, (queries + 2) / 3, 0, 1, queries}, .kv = {keys, keys, (keys + 1) / 2, 2, 0, 1}};
}

Problem small_problem(const Problem& problem, std::int64_t seq_q, std::int64_t seq_kv) {
  Problem small = problem;
  small.batch = std::min<std::int64_t>(problem.batch, 2);
  small.heads_kv = std::min(problem.heads_kv, kMaxHeadsKv);
  small.heads_q = small.heads_kv * (problem.heads_q / problem.heads_kv);
  small.seq_q = seq_q;
  small.seq_kv = seq_kv;
  small.lse = true;
  if (problem.lengths) small.lengths = small_lengths(seq_q, seq_kv);
  apply_lengths(small);
  return small;
}

Problem without_mask(Problem problem) {
  problem.causal = false;
  problem.window_left = problem.window_right = -1;
  problem.mask = MaskKind::window;
  problem.chunk = 0;
  return problem;
}

Problem with_causal(Problem problem) {
  problem = without_mask(problem);
  problem.causal = true;
  return problem;
}

// Kernels branch on whether the problem asks for the log-sum-exp.
CheckCase without_lse(CheckCase one) {
  one.name += "_no_lse";
  one.problem.lse = false;
  return one;
}

CheckCase input_case(const Problem& problem, InputKind kind, std::int64_t seq_kv, std::uint64_t seed) {
  CheckCase made{std::string(to_string(kind)), small_problem(problem, kQueries, seq_kv), kind, seed};
  made.problem.scale = kernels::kAdversarialScale;
  if (kind == InputKind::nan_key) made.problem = with_causal(made.problem);  // only the last rows see NaN
  if (kind == InputKind::nan_value) made.problem = without_mask(made.problem);
  return made;
}

std::vector<CheckCase> input_cases(const Problem& problem, InputKind kind, std::uint64_t seed) {
  std::vector<CheckCase> cases = {input_case(problem, kind, kKeys, seed)};
  if (!kernels::has_low_scores(kind)) return cases;
  const auto add = [&](std::string_view size, std::int64_t seq_kv) {
    cases.push_back(input_case(problem, kind, seq_kv, seed));
    cases.back().name += size;
  };
  add("_one_tile", kKeysOfOneTile);
  add("_one_key", 1);
  return cases;
}

std::vector<CheckCase> mask_cases(const Problem& problem, std::uint64_t seed) {
  const Problem more_queries = small_problem(problem, kKeys, kQueries);
  Problem window = without_mask(more_queries);
  window.window_left = 37;
  window.window_right = 5;
  const CheckCase causal{.name = "masked_rows", .problem = with_causal(more_queries), .seed = seed};
  const CheckCase windowed{.name = "masked_rows_window", .problem = window, .seed = seed};
  return {causal, without_lse(causal), windowed, without_lse(windowed)};
}

CheckCase gap_case(std::string name, Problem problem, std::uint64_t seed) {
  problem.layout = Layout::padded;
  return {.name = std::move(name), .problem = std::move(problem), .seed = seed};
}

// Layouts with a stride of 0, and with offsets that do not fit into 32 bits.
std::vector<CheckCase> stride_cases(const Problem& problem, std::uint64_t seed) {
  Problem small = small_problem(problem, kQueries, kKeys);
  if (is_rectangular(problem)) small.batch = 2;
  small.heads_q = kMaxHeadsKv * (problem.heads_q / problem.heads_kv);
  small.heads_kv = kMaxHeadsKv;
  std::vector<CheckCase> cases;
  for (const Layout layout : {Layout::shared_heads, Layout::shared_batches, Layout::far_batches}) {
    const bool moves_batches = layout == Layout::shared_batches || layout == Layout::far_batches;
    if (moves_batches && !is_rectangular(problem)) continue;
    small.layout = layout;
    cases.push_back({.name = std::string(to_string(layout)), .problem = small, .seed = seed});
  }
  return cases;
}

Problem with_lengths(const Problem& problem, Lengths lengths) {
  Problem ragged = small_problem(problem, 1, 1);
  ragged.lengths = std::move(lengths);
  apply_lengths(ragged);
  return ragged;
}

// One long sequence among many short ones, of queries and of keys.
std::vector<CheckCase> ragged_cases(const Problem& problem, std::uint64_t seed) {
  if (!problem.lengths) return {};
  Lengths lengths{.q = std::vector<std::int32_t>(16, 1), .kv = {}};
  for (std::int32_t i = 0; i < 16; ++i) lengths.kv.push_back(1 + 3 * i);
  lengths.kv[5] = 3 * kKeys;
  const CheckCase decode{.name = "one_long", .problem = with_lengths(problem, lengths), .seed = seed};
  lengths.q[9] = kQueries;
  const CheckCase mixed{.name = "one_long_mixed", .problem = with_lengths(problem, lengths), .seed = seed};
  Problem dealt = small_problem(problem, kQueries, kKeys);
  dealt.kv.prefix_sequences = dealt.kv.prefix_keys = 0;  // the number of pages would depend on the order
  const CheckCase other{.name = "other_lengths", .problem = dealt, .seed = seed, .replays = kReplays};
  return {decode, mixed, other};
}

// Lengths around the edges of a page, pages of one key, pages that sequences share, and pages in order.
std::vector<CheckCase> page_cases(const Problem& problem, std::uint64_t seed) {
  if (!problem.kv.is_paged()) return {};
  std::vector<CheckCase> cases;
  const auto add = [&](std::string name, const Problem& changed) {
    cases.push_back({.name = std::move(name), .problem = changed, .seed = seed});
  };
  const auto page = static_cast<std::int32_t>(std::min(problem.kv.page_size, kKeys));
  Problem small = small_problem(problem, kQueries, kKeys);
  if (problem.lengths) {
    const std::vector<std::int32_t> keys = {0, 1, page - 1, page, page + 1, 2 * page, 2 * page + 1};
    Lengths lengths{.q = std::vector<std::int32_t>(keys.size(), 2), .kv = keys};
    add("page_edges", with_lengths(problem, lengths));
  }
  small.kv.order = PageOrder::sequential;
  add("pages_in_order", small);
  small.kv = {.layout = KvKind::paged,
              .page_size = problem.kv.page_size,
              .prefix_sequences = 2,
              .prefix_keys = kKeys};
  add("shared_prefix", small);
  small.kv = {.layout = KvKind::paged, .page_size = 1};
  add("pages_of_one_key", small);
  Problem window = without_mask(small_problem(problem, 2, 2 * kKeys));
  window.window_left = 37;
  window.window_right = 0;
  add("pages_outside_window", window);
  return cases;
}

std::set<int> edges_of(int block) {
  std::set<int> lengths = {1, block - 1, block, block + 1, 2 * block};
  lengths.erase(0);
  return lengths;
}

void append(std::vector<CheckCase>& cases, std::vector<CheckCase> more) {
  std::ranges::move(more, std::back_inserter(cases));
}

}  // namespace

std::vector<CheckCase> common_cases(const Problem& problem, std::uint64_t seed) {
  std::vector<CheckCase> cases;
  for (const InputKind kind : kAll<kernels::InputKind>) {
    if (kind == InputKind::normal) continue;
    if (kind == InputKind::minus_infinity && !traits(problem.dtype).has_infinity) continue;
    append(cases, input_cases(problem, kind, seed));
  }
  append(cases, mask_cases(problem, seed));
  const Problem small = small_problem(problem, kQueries, kKeys);
  for (int i = 1; i <= kFurtherSeeds; ++i) {
    cases.push_back({.name = fmt::format("seed_{}", i), .problem = small, .seed = seed + i});
  }
  cases.push_back(without_lse(cases.back()));
  cases.push_back(gap_case("gaps", small, seed));
  append(cases, stride_cases(problem, seed));
  append(cases, ragged_cases(problem, seed));
  append(cases, page_cases(problem, seed));
  return cases;
}

std::vector<CheckCase> edge_cases(const Problem& problem, const Tile& tile, std::uint64_t seed) {
  const int block_q = tile.block_q > 0 ? tile.block_q : kUsualBlock;
  const int block_kv = tile.block_kv > 0 ? tile.block_kv : kUsualBlock;
  const auto edge = [&](int seq_q, int seq_kv) {
    return CheckCase{.name = fmt::format("edge_q{}_kv{}", seq_q, seq_kv),
                     .problem = small_problem(problem, seq_q, seq_kv),
                     .seed = seed};
  };
  std::vector<CheckCase> cases;
  for (const int seq_q : edges_of(block_q)) {
    for (const int seq_kv : edges_of(block_kv)) cases.push_back(edge(seq_q, seq_kv));
  }
  cases.push_back(without_lse(edge(1, block_kv + 1)));
  const Problem past_one_tile = small_problem(problem, block_q + 1, block_kv + 1);
  cases.push_back(gap_case(fmt::format("gaps_q{}_kv{}", block_q + 1, block_kv + 1), past_one_tile, seed));
  return cases;
}

}  // namespace flashcore
