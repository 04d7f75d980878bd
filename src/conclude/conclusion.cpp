#include "conclude/conclusion.hpp"

#include <algorithm>
#include <utility>

#include "conclude/shortfall.hpp"
#include "record/ranking.hpp"

namespace flashcore {
namespace {

using Rows = std::vector<const Record*>;

// The timed records of this project, or the timed peers.
Rows rows_of(std::span<const Record> records, bool peers) {
  Rows rows;
  for (const Record& record : records) {
    if (is_timed(record) && (record.role == Role::peer) == peers) rows.push_back(&record);
  }
  return rows;
}

const Record* fastest_in(const Rows& rows, TimingMode mode) {
  const Record* best = nullptr;
  for (const Record* row : rows) {
    if (!row->timings[mode]) continue;
    if (best == nullptr || row->timings[mode]->median < best->timings[mode]->median) best = row;
  }
  return best;
}

std::vector<std::string> ties_of(const Record& fastest, Rows rows, TimingMode mode, double relative_width) {
  const Timing& best = *fastest.timings[mode];
  std::erase_if(rows, [&](const Record* row) {
    return !row->timings[mode] || !are_tied(best, *row->timings[mode], relative_width);
  });
  std::ranges::stable_sort(rows, {}, [&](const Record* row) { return row->timings[mode]->median; });
  std::vector<std::string> ids;
  for (const Record* row : rows) {
    const std::string id = row->variant_id();
    if (id != fastest.variant_id() && std::ranges::count(ids, id) == 0) ids.push_back(id);
  }
  return ids;
}

std::optional<Standing> standing(const Record& own, const Record* other, TimingMode mode,
                                 const MeasurePolicy& policy) {
  if (other == nullptr || !other->timings[mode]) return std::nullopt;
  return Standing{.other = other->variant_id(),
                  .over = advantage(*own.timings[mode], *other->timings[mode], policy.relative_width),
                  .falls_short = shortfall(own, policy).any() || shortfall(*other, policy).any()};
}

std::optional<InvarianceCost> invariance_cost(const Rows& own, const Record& fastest, TimingMode mode,
                                              const MeasurePolicy& policy) {
  const auto labelled = [&](bool invariant) {
    Rows rows = own;
    std::erase_if(rows, [&](const Record* row) {
      return !row->timings[mode] || !row->check || row->check->batch_invariant != invariant;
    });
    return rows;
  };
  const Rows invariant = labelled(true);
  if (invariant.empty() || labelled(false).empty()) return std::nullopt;
  const Record& best = *fastest_in(invariant, mode);
  return InvarianceCost{
      .variant = best.variant_id(),
      .of_fastest = advantage(*fastest.timings[mode], *best.timings[mode], policy.relative_width),
      .is_fastest = &best == &fastest,
      .falls_short = shortfall(fastest, policy).any() || shortfall(best, policy).any()};
}

std::optional<Mean> mean_of(const std::vector<ProblemConclusion>& problems, auto over) {
  std::vector<Advantage> ratios;
  for (const ProblemConclusion& problem : problems) {
    if (const std::optional<Advantage> one = over(problem)) ratios.push_back(*one);
  }
  const std::optional<Advantage> mean = geometric_mean(ratios);
  if (!mean) return std::nullopt;
  const auto count = [&](Contest wanted) {
    return static_cast<std::size_t>(std::ranges::count(ratios, wanted, contest));
  };
  return Mean{.over = *mean,
              .problems = ratios.size(),
              .won = count(Contest::won),
              .tied = count(Contest::tied),
              .lost = count(Contest::lost)};
}

}  // namespace

const Standing* ProblemConclusion::main() const {
  if (peer) return &*peer;
  return baseline ? &*baseline : nullptr;
}

std::optional<ProblemConclusion> conclude(std::span<const Record> records, std::string_view baseline,
                                          const MeasurePolicy& policy) {
  const Rows own = rows_of(records, false);
  const Rows peers = rows_of(records, true);
  if (own.empty() || own.size() + peers.size() < 2) return std::nullopt;
  const Record& first =
      **std::ranges::min_element(own, {}, [](const Record* r) { return *r->headline_mode(); });
  const TimingMode mode = *first.headline_mode();
  const Record& fastest = *fastest_in(own, mode);
  const Record* base = find_baseline(records, baseline);
  const Record* peer = fastest_in(peers, mode);
  ProblemConclusion found{.problem = fastest.problem.name,
                          .fastest = fastest.variant_id(),
                          .mode = mode,
                          .ties = ties_of(fastest, own, mode, policy.relative_width)};
  found.has_named_baseline = !baseline.empty();
  found.is_baseline = base != nullptr && base->variant_id() == found.fastest;
  found.baseline_is_peer = base != nullptr && peer != nullptr && base->variant_id() == peer->variant_id();
  if (!found.is_baseline) found.baseline = standing(fastest, base, mode, policy);
  if (!found.baseline_is_peer) found.peer = standing(fastest, peer, mode, policy);
  found.invariance = invariance_cost(own, fastest, mode, policy);
  return found;
}

void Conclusion::add(std::span<const Record> records_of_one_problem) {
  for (const Record& record : records_of_one_problem) {
    caveats_.add(record, policy_);
    if (record.role != Role::peer || !is_timed(record)) continue;
    const auto place = std::ranges::lower_bound(peers_, record.family);
    if (place == peers_.end() || *place != record.family) peers_.insert(place, record.family);
  }
  totals_.add(records_of_one_problem);
  if (auto problem = conclude(records_of_one_problem, baseline_, policy_)) {
    problems_.push_back(*std::move(problem));
  }
}

std::optional<Mean> Conclusion::over_baseline() const {
  return mean_of(problems_, [](const ProblemConclusion& problem) -> std::optional<Advantage> {
    if (problem.is_baseline) return Advantage{.tied = true};
    return problem.baseline ? std::optional(problem.baseline->over) : std::nullopt;
  });
}

std::optional<Mean> Conclusion::over_peer() const {
  return mean_of(problems_, [](const ProblemConclusion& problem) -> std::optional<Advantage> {
    const auto& peer = problem.baseline_is_peer ? problem.baseline : problem.peer;
    return peer ? std::optional(peer->over) : std::nullopt;
  });
}

std::optional<Mean> Conclusion::of_invariance() const {
  return mean_of(problems_, [](const ProblemConclusion& problem) {
    return problem.invariance ? std::optional(problem.invariance->of_fastest) : std::nullopt;
  });
}

Conclusion conclude_file(const ProblemGroups& problems, const std::string& baseline, const Json& config) {
  Conclusion conclusion(baseline.empty() ? configured_baseline(config) : baseline, configured_rule(config));
  for (const std::span<const Record> records : problems) conclusion.add(records);
  return conclusion;
}

}  // namespace flashcore
