#include "conclude/weighted_total.hpp"

#include <algorithm>

#include "record/ranking.hpp"

namespace flashcore {

void WeightedTotals::count(const std::string& variant, bool is_peer, double seconds) {
  Sum& sum = sums_.try_emplace(variant, Sum{.total = {.variant = variant, .is_peer = is_peer}}).first->second;
  sum.total.seconds += seconds;
  ++sum.problems;
}

void WeightedTotals::add(std::span<const Record> records_of_one_problem) {
  if (records_of_one_problem.empty()) return;
  const double weight = records_of_one_problem.front().problem.weight;
  ++problems_;
  has_weights_ = has_weights_ || weight != 1;
  std::map<std::string, const Record*> fastest;  // of repeated records of a variant
  for (const Record& record : records_of_one_problem) {
    if (!is_ranked(record)) continue;
    const Record*& known = fastest[record.variant_id()];
    if (known == nullptr || record.headline()->median < known->headline()->median) known = &record;
  }
  std::optional<double> own;
  for (const auto& [variant, record] : fastest) {
    const double seconds = weight * record->headline()->median * 1e-6;
    const bool is_peer = record->role == Role::peer;
    count(variant, is_peer, seconds);
    if (!is_peer) own = std::min(own.value_or(seconds), seconds);
  }
  if (own) count("", false, *own);
}

std::vector<WeightedTotal> WeightedTotals::totals() const {
  std::vector<WeightedTotal> totals;
  if (!has_weights_ || problems_ < 2) return totals;
  for (const auto& [variant, sum] : sums_) {
    if (sum.problems == problems_) totals.push_back(sum.total);
  }
  std::ranges::stable_sort(totals, {}, &WeightedTotal::seconds);
  return totals;
}

}  // namespace flashcore
