#include "tune/dispatch_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/text.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kMostFolds = 32;

// The winner and its ties stand for the times of older tables.
std::vector<TunedTime> times_of(const TunedEntry& entry) {
  if (!entry.times.empty()) return entry.times;
  std::vector<TunedTime> times;
  const auto add = [&](const TunedVariant& tuned) {
    times.push_back({.variant = tuned.variant,
                     .code_hash = tuned.code_hash,
                     .ratio = tuned.median_us / entry.winner.median_us});
  };
  add(entry.winner);
  for (const TunedVariant& tie : entry.ties) add(tie);
  return times;
}

std::optional<RulePoint> rule_point(const TunedEntry& entry, const FindTuned& find) {
  if (find(entry.winner.variant, entry.winner.code_hash) == nullptr) return std::nullopt;
  RulePoint point{.problem = entry.problem,
                  .weight = entry.problem.weight,
                  .times = {},
                  .knows_all = !entry.times.empty()};
  const TunedVariant& winner = entry.winner;
  point.noise = (winner.ci95_high_us - winner.ci95_low_us) / (2 * winner.median_us);
  for (const TunedTime& time : times_of(entry)) {
    const Variant* variant = find(time.variant, time.code_hash);
    if (variant == nullptr) continue;
    point.times.push_back({variant, time.ratio, std::max(time.blocks_per_sm, 1)});
    if (time.variant == entry.default_variant) point.by_default = variant;
  }
  return point;
}

RuleGroup& group_of(std::vector<RuleGroup>& groups, const TunedEntry& entry) {
  const Problem& problem = entry.problem;
  const Phase phase = phase_of(problem);
  for (RuleGroup& group : groups) {
    if (group.dtype == problem.dtype && group.head_dim == problem.head_dim && group.phase == phase &&
        group.num_sms == entry.num_sms) {
      return group;
    }
  }
  return groups.emplace_back(RuleGroup{.dtype = problem.dtype,
                                       .head_dim = problem.head_dim,
                                       .phase = phase,
                                       .num_sms = entry.num_sms,
                                       .points = {},
                                       .entries = {}});
}

// The time of a variant on a point over that of the best one there; nothing if it was not timed.
std::optional<double> loss_on(const RulePoint& point, const Variant* variant) {
  std::optional<double> mine;
  double best = 0;
  for (const TimedPoint& time : point.times) {
    if (time.variant == variant) mine = time.ratio;
    if (time.variant->role == Role::peer) continue;
    best = best > 0 ? std::min(best, time.ratio) : time.ratio;
  }
  return mine && best > 0 ? std::optional(*mine / best - 1) : std::nullopt;
}

// The rule of `others` chooses for a point that is none of them.
void validate_point(const RulePoint& point, const DispatchRule& rule, DispatchReport& report) {
  const auto is_timed = [&](const Variant& variant) { return loss_on(point, &variant).has_value(); };
  const auto guess = rule.choose(point.problem, point.by_default, is_timed);
  const Variant* chosen = guess ? guess->variant : point.by_default;
  const std::optional<double> loss = loss_on(point, chosen);
  const std::optional<double> of_default = loss_on(point, point.by_default);
  if (!loss) return;
  report.left_out.add(*loss, point.weight);
  if (of_default) report.by_default.add(*of_default, point.weight);
}

Json to_json(const DispatchLoss& loss) { return {{"worst", loss.worst}, {"mean", loss.mean()}}; }

Json to_json(const DispatchReport& report) {
  Json json = {{"backend", to_string(report.fingerprint.backend)},
               {"device", report.fingerprint.device},
               {"driver", report.fingerprint.driver},
               {"dtype", to_string(report.dtype)},
               {"head_dim", report.head_dim},
               {"phase", to_string(report.phase)},
               {"problems", report.problems},
               {"variants", report.variants}};
  if (report.left_out.weight > 0) json["left_out"] = to_json(report.left_out);
  if (report.by_default.weight > 0) json["default"] = to_json(report.by_default);
  return json;
}

std::string loss_text(const DispatchLoss& loss) {
  return fmt::format("worst {}, mean {}", percent(1 + loss.worst), percent(1 + loss.mean()));
}

}  // namespace

std::vector<RuleGroup> rule_groups(std::span<const TunedEntry> entries, const FindTuned& find) {
  std::vector<RuleGroup> groups;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::optional<RulePoint> point = rule_point(entries[i], find);
    if (!point) continue;
    RuleGroup& group = group_of(groups, entries[i]);
    group.points.push_back(std::move(*point));
    group.entries.push_back(i);
  }
  return groups;
}

void cross_validate(const RuleGroup& group, DispatchReport& report) {
  const std::size_t folds = std::min(group.points.size(), kMostFolds);
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<RulePoint> others;
    for (std::size_t i = 0; i < group.points.size(); ++i) {
      if (i % folds != fold) others.push_back(group.points[i]);
    }
    const DispatchRule rule(others, group.num_sms);
    for (std::size_t i = fold; i < group.points.size(); i += folds) {
      validate_point(group.points[i], rule, report);
    }
  }
}

std::vector<DispatchReport> dispatch_reports(std::span<const TunedEntry> entries) {
  std::vector<std::pair<Fingerprint, std::vector<TunedEntry>>> devices;
  for (const TunedEntry& entry : entries) {
    auto same = std::ranges::find(devices, entry.fingerprint,
                                  &std::pair<Fingerprint, std::vector<TunedEntry>>::first);
    if (same == devices.end()) same = devices.insert(same, {entry.fingerprint, {}});
    same->second.push_back(entry);
  }
  const auto find = [](const std::string& id, const std::string&) { return find_variant(id); };
  std::vector<DispatchReport> reports;
  for (const auto& [fingerprint, tuned] : devices) {
    for (const RuleGroup& group : rule_groups(tuned, find)) {
      DispatchReport& report = reports.emplace_back(DispatchReport{.fingerprint = fingerprint,
                                                                   .dtype = group.dtype,
                                                                   .head_dim = group.head_dim,
                                                                   .phase = group.phase,
                                                                   .problems = group.points.size(),
                                                                   .variants = {}});
      const DispatchRule rule(group.points, group.num_sms);
      for (const Variant* variant : rule.kept()) report.variants.push_back(variant->id());
      cross_validate(group, report);
    }
  }
  return reports;
}

std::string dispatch_sentence(std::span<const DispatchReport> reports) {
  DispatchLoss left_out;
  DispatchLoss by_default;
  for (const DispatchReport& report : reports) {
    left_out.add(report.left_out);
    by_default.add(report.by_default);
  }
  if (left_out.weight <= 0) return "";
  const std::string ours = fmt::format("{} on problems left out", loss_text(left_out));
  return by_default.weight > 0 ? fmt::format("{}; default: {}", ours, loss_text(by_default)) : ours;
}

std::vector<Json> to_json(std::span<const DispatchReport> reports) {
  std::vector<Json> objects;
  for (const DispatchReport& report : reports) objects.push_back(to_json(report));
  return objects;
}

}  // namespace flashcore
