#include "tune/sweep_totals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "base/text.hpp"

namespace flashcore {
namespace {

// The total of something that must have a time on every problem.
struct Sum {
  double us = 0;
  std::size_t problems = 0;

  void add(double time_us) {
    us += time_us;
    ++problems;
  }
};

using SpecKey = std::pair<Dtype, std::int64_t>;  // dtype and head_dim

struct Sums {
  std::map<SpecKey, std::size_t> problems;
  std::map<SpecKey, std::map<std::string, Sum>> variants;  // by id
  std::map<std::string, Sum> peers;                        // by family
  Sum table, by_default;

  void add(const SweptContenders& swept, TimingMode mode) {
    const Record& winner = swept.contenders[swept.winner].record;
    const SpecKey key{winner.problem.dtype, winner.problem.head_dim};
    const double weighted_us = winner.problem.weight * winner.timings[mode]->median;
    std::map<std::string, double> fastest_peers;
    table.add(weighted_us);
    ++problems[key];
    for (const Contender& contender : swept.contenders) {
      const std::optional<double> ratio = ratio_to(winner, contender, mode);
      if (!ratio) continue;
      const double us = weighted_us * *ratio;
      if (contender.is_default) by_default.add(us);
      if (contender.record.role != Role::peer) {
        variants[key][contender.record.variant_id()].add(us);
      } else {
        const auto [fastest, is_new] = fastest_peers.emplace(contender.record.family, us);
        if (!is_new) fastest->second = std::min(fastest->second, us);
      }
    }
    for (const auto& [family, us] : fastest_peers) peers[family].add(us);
  }

  std::optional<double> best_single() const {
    double total = 0;
    for (const auto& [key, count] : problems) {
      const auto found = variants.find(key);
      std::optional<double> best;
      if (found == variants.end()) return std::nullopt;
      for (const auto& [id, sum] : found->second) {
        if (sum.problems == count) best = best ? std::min(*best, sum.us) : sum.us;
      }
      if (!best) return std::nullopt;
      total += *best;
    }
    return total;
  }
};

}  // namespace

SweepTotals sweep_totals(std::span<const SweptContenders> problems, TimingMode mode) {
  Sums sums;
  for (const SweptContenders& swept : problems) sums.add(swept, mode);
  SweepTotals totals{.table_us = sums.table.us, .single_us = sums.best_single(), .peer = ""};
  if (sums.by_default.problems == problems.size()) totals.default_us = sums.by_default.us;
  for (const auto& [family, sum] : sums.peers) {
    if (sum.problems != problems.size() || (totals.peer_us && sum.us >= *totals.peer_us)) continue;
    totals.peer_us = sum.us;
    totals.peer = family;
  }
  return totals;
}

std::string totals_text(const SweepTotals& totals) {
  std::string text = fmt::format("weighted total {} µs", format_significant(totals.table_us, 4));
  const auto beside = [&](const std::string& what, const std::optional<double>& us) {
    return fmt::format("{} {}", what, us ? percent(*us / totals.table_us) : "not timed on all problems");
  };
  text += "; " + beside("default", totals.default_us);
  text += ", " + beside("one variant per dtype and head_dim", totals.single_us);
  if (totals.peer_us) text += ", " + beside(totals.peer, totals.peer_us);
  return text;
}

}  // namespace flashcore
