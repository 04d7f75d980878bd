// Chooses a variant for a problem that was not tuned, from the times of tuned problems near it.
//
// The rule knows the times of at most kMostKeptVariants variants and of the default on each tuned problem, as logarithms
// over the best time. For a new problem it takes the nearest tuned ones, adds to each logarithm the difference of the
// variant's tile_overhead() there and here, and takes the mean with weights that fall with the cube of the distance
// (Shepard: "A two-dimensional interpolation function for irregularly-spaced data", 1968). The variant with the least
// mean is chosen. The default is chosen instead where that mean is not better by more than the noise of the times,
// or where the rule is slower than the default on the tuned problems nearby, each left out in turn. Problems with noisy
// times count less.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "tune/dispatch_features.hpp"
#include "tune/kept_variants.hpp"
#include "variant/variant.hpp"

namespace flashcore {

struct TimedPoint {
  const Variant* variant = nullptr;
  double ratio = 1;       // its time over the best one's
  int blocks_per_sm = 1;  // that run at a time; 1 if it is not known
};

// A tuned problem.
struct RulePoint {
  Problem problem;
  double weight = 1;
  double noise = 0;                     // half the width of the winner's interval over its time
  std::vector<TimedPoint> times;        // of different variants
  const Variant* by_default = nullptr;  // the default variant; null if it is not known
  bool knows_all = true;                // false: `times` has the winner and its ties only
};

// All points have the same dtype, head_dim and phase.
class DispatchRule {
 public:
  // `num_sms` is 0 if it is not known. `points` must outlive the rule.
  DispatchRule(std::span<const RulePoint> points, int num_sms);

  struct Guess {
    const Variant* variant = nullptr;
    std::vector<std::size_t> from;  // indices of points, the nearest first
    bool is_default = false;        // the default was measured near the problem and is as good
  };
  using CanRun = std::function<bool(const Variant&)>;

  // Nothing if no point is near, or if no kept variant can run the problem. `by_default` may be null.
  std::optional<Guess> choose(const Problem& problem, const Variant* by_default, const CanRun& can_run) const;

  const std::vector<const Variant*>& kept() const { return kept_; }

 private:
  struct Neighbour {
    std::size_t point = 0;
    double distance = 0;
    double share = 0;  // of the weights
  };
  struct Forecast {
    double log_time = 0;
    double known = 0;  // the share of neighbours on which the variant was timed
  };
  // One variant on all points.
  struct Column {
    const Variant* variant = nullptr;
    int blocks_per_sm = 1;
    std::vector<double> log_times;  // infinity where it was not timed
    std::vector<double> overheads;
  };

  void fill_columns();
  void leave_each_out();
  double overhead(const Column& column, const Problem& problem) const;
  const Column* column_of(const Variant* variant) const;
  std::vector<Neighbour> neighbours(const Problem& problem, std::optional<std::size_t> left_out) const;
  Forecast forecast(const Column& column, const Problem& problem, std::span<const Neighbour> near) const;
  std::optional<Guess> choose(const Problem& problem, const Variant* by_default, const CanRun& can_run,
                              std::span<const Neighbour> near) const;
  bool is_slower_nearby(std::span<const Neighbour> near) const;

  std::span<const RulePoint> points_;
  int num_sms_;
  std::vector<DispatchFeatures> features_;
  std::vector<Column> columns_;  // in the order of ids
  std::vector<const Variant*> kept_;
  // Per point that was left out: how much longer the rule's choice takes than the default, as a logarithm.
  std::vector<std::optional<double>> behind_default_;
};

}  // namespace flashcore
