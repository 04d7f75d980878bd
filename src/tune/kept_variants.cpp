#include "tune/kept_variants.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace flashcore {
namespace {

using KeptIndices = std::vector<std::size_t>;

constexpr double kLeastGain = 0.0005;  // of the mean, for another variant to be kept
constexpr double kNotTimed = 3;        // a loss in place of infinity: means stay finite

class Cover {
 public:
  explicit Cover(std::span<const VariantLosses> problems)
      : problems_(problems), variants_(problems.front().log_times.size()) {
    for (const VariantLosses& problem : problems) weight_ += problem.weight;
  }

  KeptIndices keep() {
    KeptIndices kept = smallest_cover();
    while (kept.size() < kMostKeptVariants && add_one(kept)) {
    }
    while (exchange_one(kept)) {
    }
    std::ranges::sort(kept);
    return kept;
  }

 private:
  // Equal for times that noise cannot tell apart.
  double loss(std::size_t problem, std::size_t variant) const {
    const double log_time = std::min(problems_[problem].log_times[variant], kNotTimed);
    return std::round(log_time / kNoiseLog) * kNoiseLog;
  }

  // The variants of a cover whose largest loss is as small as greedy covers get.
  KeptIndices smallest_cover() {
    std::vector<double> bounds;
    for (std::size_t i = 0; i < problems_.size(); ++i) {
      for (std::size_t v = 0; v < variants_; ++v) bounds.push_back(loss(i, v));
    }
    std::ranges::sort(bounds);
    bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    const auto found =
        std::ranges::partition_point(bounds, [&](double bound) { return !greedy_cover(bound); });
    bound_ = found == bounds.end() ? kNotTimed : *found;
    return greedy_cover(bound_).value_or(KeptIndices{0});
  }

  std::optional<KeptIndices> greedy_cover(double bound) const {
    KeptIndices kept;
    std::vector<bool> covered(problems_.size());
    while (std::ranges::count(covered, false) > 0) {
      if (kept.size() == kMostKeptVariants) return std::nullopt;
      const std::size_t next = most_covering(bound, covered);
      kept.push_back(next);
      for (std::size_t i = 0; i < problems_.size(); ++i) covered[i] = covered[i] || loss(i, next) <= bound;
    }
    return kept;
  }

  std::size_t most_covering(double bound, const std::vector<bool>& covered) const {
    std::size_t best = 0;
    double best_weight = -1;
    for (std::size_t v = 0; v < variants_; ++v) {
      double weight = 0;
      for (std::size_t i = 0; i < problems_.size(); ++i) {
        if (!covered[i] && loss(i, v) <= bound) weight += problems_[i].weight;
      }
      if (weight > best_weight) best = v, best_weight = weight;
    }
    return best;
  }

  // The mean loss of `kept` without its variant `left_out` and with `added`; infinity if a loss exceeds the bound.
  double mean_loss(const std::vector<double>& others, std::size_t added) const {
    double sum = 0;
    for (std::size_t i = 0; i < problems_.size(); ++i) {
      const double best = std::min(others[i], loss(i, added));
      if (best > bound_ + kNoiseLog / 2) return std::numeric_limits<double>::infinity();
      sum += problems_[i].weight * best;
    }
    return sum / weight_;
  }

  // The loss of each problem's best variant among `kept`, without the one at `left_out`.
  std::vector<double> best_losses(const KeptIndices& kept, std::optional<std::size_t> left_out) const {
    std::vector<double> losses(problems_.size(), kNotTimed);
    for (std::size_t place = 0; place < kept.size(); ++place) {
      if (place == left_out) continue;
      for (std::size_t i = 0; i < problems_.size(); ++i)
        losses[i] = std::min(losses[i], loss(i, kept[place]));
    }
    return losses;
  }

  struct Addition {
    std::size_t variant = 0;
    double mean = std::numeric_limits<double>::infinity();
  };

  Addition best_addition(const KeptIndices& kept, const std::vector<double>& others) const {
    Addition best;
    for (std::size_t v = 0; v < variants_; ++v) {
      if (std::ranges::count(kept, v) > 0) continue;
      if (const double mean = mean_loss(others, v); mean < best.mean) best = {v, mean};
    }
    return best;
  }

  bool add_one(KeptIndices& kept) const {
    const std::vector<double> losses = best_losses(kept, std::nullopt);
    const Addition best = best_addition(kept, losses);
    if (!(best.mean < mean_loss(losses, kept.front()) - kLeastGain)) return false;
    kept.push_back(best.variant);
    return true;
  }

  bool exchange_one(KeptIndices& kept) const {
    const double now = mean_loss(best_losses(kept, std::nullopt), kept.front());
    for (std::size_t place = 0; place < kept.size(); ++place) {
      const Addition best = best_addition(kept, best_losses(kept, place));
      if (!(best.mean < now - kLeastGain / 5)) continue;
      kept[place] = best.variant;
      return true;
    }
    return false;
  }

  std::span<const VariantLosses> problems_;
  std::size_t variants_;
  double weight_ = 0;
  double bound_ = kNotTimed;  // the largest loss that is accepted
};

}  // namespace

std::vector<std::size_t> keep_variants(std::span<const VariantLosses> problems) {
  if (problems.empty() || problems.front().log_times.empty()) return {};
  return Cover(problems).keep();
}

}  // namespace flashcore
