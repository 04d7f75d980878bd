#include "tune/dispatch_rule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "attention/problem_fields.hpp"

namespace flashcore {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

constexpr std::size_t kNeighbours = 6;
constexpr double kSmallestDistance = 0.15;  // nearer points count alike
constexpr double kFarthest = 20;            // a point that is farther says nothing
constexpr double kPerMismatch = 4;          // the distance of a field of Match::preferred
// Waves and padding cost less than the tiles that they leave idle: kernels also wait for memory.
constexpr double kOverheadShare = 0.4;
constexpr double kLeastKnown = 0.3;  // of the weights, for a forecast
// Forecasts where a variant was not timed: it could not run, or it was slow; and in tables without its time.
constexpr double kUntimed = 0.4;
constexpr double kUntold = 0.1;
constexpr double kDefaultMargin =
    0.01;  // what a choice must gain over the default, and more where times are noisy
constexpr double kQuietNoise = 0.02;  // a point with this noise counts half

}  // namespace

DispatchRule::DispatchRule(std::span<const RulePoint> points, int num_sms)
    : points_(points), num_sms_(num_sms), behind_default_(points.size()) {
  for (const RulePoint& point : points) features_.push_back(dispatch_features(point.problem, num_sms));
  fill_columns();
  std::vector<VariantLosses> losses;
  std::vector<const Column*> candidates;
  for (const Column& column : columns_) {
    if (column.variant->role != Role::peer) candidates.push_back(&column);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    VariantLosses& loss = losses.emplace_back(VariantLosses{.log_times = {}, .weight = points[i].weight});
    for (const Column* column : candidates) loss.log_times.push_back(column->log_times[i]);
  }
  for (const std::size_t index : keep_variants(losses)) kept_.push_back(candidates[index]->variant);
  leave_each_out();
}

// Peers are not kept: times are over the best of the others.
void DispatchRule::fill_columns() {
  std::map<std::string, Column> by_id;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    double best = kNever;
    for (const TimedPoint& time : points_[i].times) {
      if (time.variant->role != Role::peer) best = std::min(best, time.ratio);
    }
    for (const TimedPoint& time : points_[i].times) {
      Column& column = by_id[time.variant->id()];
      column.variant = time.variant;
      column.blocks_per_sm = time.blocks_per_sm;
      column.log_times.resize(points_.size(), kNever);
      column.log_times[i] = best == kNever ? 0 : std::log(time.ratio / best);
    }
  }
  for (auto& [id, column] : by_id) {
    for (const RulePoint& point : points_) column.overheads.push_back(overhead(column, point.problem));
    columns_.push_back(std::move(column));
  }
}

double DispatchRule::overhead(const Column& column, const Problem& problem) const {
  return kOverheadShare * tile_overhead(column.variant->spec, problem, num_sms_ * column.blocks_per_sm);
}

const DispatchRule::Column* DispatchRule::column_of(const Variant* variant) const {
  const auto found = std::ranges::find(columns_, variant, &Column::variant);
  return found == columns_.end() ? nullptr : &*found;
}

std::vector<DispatchRule::Neighbour> DispatchRule::neighbours(const Problem& problem,
                                                              std::optional<std::size_t> left_out) const {
  const DispatchFeatures here = dispatch_features(problem, num_sms_);
  std::vector<Neighbour> near;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    if (i == left_out) continue;
    const std::optional<Distance> fields = distance(points_[i].problem, problem);
    if (!fields) continue;
    const double far = here.distance_to(features_[i]) + kPerMismatch * fields->mismatches;
    if (far <= kFarthest) near.push_back({.point = i, .distance = far});
  }
  std::ranges::stable_sort(near, {}, &Neighbour::distance);
  near.resize(std::min(near.size(), kNeighbours));
  double sum = 0;
  for (Neighbour& one : near) {
    const double noise = points_[one.point].noise / kQuietNoise;
    one.share = std::pow(one.distance + kSmallestDistance, -3) / (1 + noise * noise);
    sum += one.share;
  }
  for (Neighbour& one : near) one.share /= sum;
  return near;
}

DispatchRule::Forecast DispatchRule::forecast(const Column& column, const Problem& problem,
                                              std::span<const Neighbour> near) const {
  const double here = overhead(column, problem);
  Forecast forecast;
  for (const Neighbour& one : near) {
    double log_time = column.log_times[one.point];
    if (log_time == kNever) {
      log_time = points_[one.point].knows_all ? kUntimed : kUntold;
    } else {
      forecast.known += one.share;
    }
    forecast.log_time += one.share * (log_time + here - column.overheads[one.point]);
  }
  return forecast;
}

// True if on the points nearby, each left out in turn, the choice takes longer than the default.
bool DispatchRule::is_slower_nearby(std::span<const Neighbour> near) const {
  double sum = 0;
  for (const Neighbour& one : near) {
    if (behind_default_[one.point]) sum += one.share * *behind_default_[one.point];
  }
  return sum > kNoiseLog;
}

std::optional<DispatchRule::Guess> DispatchRule::choose(const Problem& problem, const Variant* by_default,
                                                        const CanRun& can_run,
                                                        std::span<const Neighbour> near) const {
  std::vector<std::pair<double, const Variant*>> forecasts;
  double best = kNever;
  for (const Variant* variant : kept_) {
    if (!can_run(*variant)) continue;
    const Forecast found = forecast(*column_of(variant), problem, near);
    if (found.known < kLeastKnown) continue;
    forecasts.emplace_back(found.log_time, variant);
    best = std::min(best, found.log_time);
  }
  if (forecasts.empty()) return std::nullopt;
  const auto chosen =
      std::ranges::find_if(forecasts, [&](const auto& one) { return one.first <= best + kNoiseLog; });
  Guess guess{.variant = chosen->second, .from = {}};
  for (const Neighbour& one : near) guess.from.push_back(one.point);
  const Column* by_itself = by_default == nullptr ? nullptr : column_of(by_default);
  if (by_itself == nullptr) return guess;
  const Forecast of_default = forecast(*by_itself, problem, near);
  double variance = 0;
  for (const Neighbour& one : near) variance += std::pow(one.share * points_[one.point].noise, 2);
  const double margin = std::max(kDefaultMargin, std::sqrt(variance));
  const bool is_as_good = of_default.known >= kLeastKnown && of_default.log_time <= best + margin;
  guess.is_default = is_as_good || is_slower_nearby(near);
  if (guess.is_default) guess.variant = by_default;
  return guess;
}

std::optional<DispatchRule::Guess> DispatchRule::choose(const Problem& problem, const Variant* by_default,
                                                        const CanRun& can_run) const {
  const std::vector<Neighbour> near = neighbours(problem, std::nullopt);
  if (near.empty()) return std::nullopt;
  return choose(problem, by_default, can_run, near);
}

void DispatchRule::leave_each_out() {
  std::vector<std::optional<double>> behind(points_.size());
  for (std::size_t i = 0; i < points_.size(); ++i) {
    const Column* by_default = points_[i].by_default == nullptr ? nullptr : column_of(points_[i].by_default);
    if (by_default == nullptr || by_default->log_times[i] == kNever) continue;
    const auto is_timed = [&](const Variant& variant) { return column_of(&variant)->log_times[i] != kNever; };
    const std::vector<Neighbour> near = neighbours(points_[i].problem, i);
    if (near.empty()) continue;
    const std::optional<Guess> guess = choose(points_[i].problem, by_default->variant, is_timed, near);
    if (guess) behind[i] = column_of(guess->variant)->log_times[i] - by_default->log_times[i];
  }
  behind_default_ = std::move(behind);
}

}  // namespace flashcore
