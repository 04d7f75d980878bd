#include "trace/bins.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace flashcore {
namespace {

constexpr std::size_t kFeatures = 6;
using Features = std::array<double, kFeatures>;

// What a distance in each feature counts. The cost comes first: bins are for sums of it.
constexpr Features kImportance = {2, 1, 1, 0.5, 0.5, 1};

double log_of(double value) { return std::log(std::max(value, 1.0)); }

Features features_of(const CallCost& call) {
  const double nanoseconds = call.seconds() * 1e9;
  return {log_of(nanoseconds),
          log_of(call.bytes),
          log_of(call.flops),
          log_of(static_cast<double>(call.sequences)),
          log_of(static_cast<double>(call.longest)),
          call.decode_share};
}

// Sums from which the spread of a feature follows: the squared distances from the mean, each call by its cost.
struct Moments {
  double mass = 0;
  double sum = 0;
  double squares = 0;

  void add(double cost, double value) {
    mass += cost;
    sum += cost * value;
    squares += cost * value * value;
  }
  double spread() const { return mass > 0 ? std::max(squares - sum * sum / mass, 0.0) : 0; }
  Moments without(const Moments& other) const {
    return {mass - other.mass, sum - other.sum, squares - other.squares};
  }
};

struct Split {
  double gain = 0;  // spread that it takes away
  std::size_t feature = 0;
  double last = 0;  // values up to this one are on the left
};

class Binning {
 public:
  explicit Binning(std::span<const CallCost> calls) {
    for (const CallCost& call : calls) {
      features_.push_back(features_of(call));
      costs_.push_back(call.seconds());
    }
  }

  std::vector<Bin> bins(std::size_t most) {
    std::vector<std::pair<Split, std::vector<std::size_t>>> groups;
    std::vector<std::size_t> all(costs_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    if (!all.empty()) groups.emplace_back(best_split(all), std::move(all));
    while (groups.size() < most) {
      const auto widest =
          std::ranges::max_element(groups, {}, [](const auto& group) { return group.first.gain; });
      if (widest == groups.end() || widest->first.gain <= 0) break;
      auto [left, right] = halves(widest->second, widest->first);
      *widest = {best_split(left), std::move(left)};
      groups.emplace_back(best_split(right), std::move(right));
    }
    std::vector<Bin> bins;
    for (auto& [split, members] : groups) bins.push_back(bin_of(std::move(members)));
    std::ranges::stable_sort(bins, std::greater(), [&](const Bin& bin) { return sum_of(bin.members); });
    return bins;
  }

 private:
  Split best_split(const std::vector<std::size_t>& members) const {
    Split best;
    for (std::size_t feature = 0; feature < kFeatures; ++feature) {
      std::vector<std::size_t> order = members;
      std::ranges::stable_sort(order, {}, [&](std::size_t call) { return features_[call][feature]; });
      // Values are taken from the smallest one, so that equal values have no spread, whatever they are.
      const double origin = features_[order.front()][feature];
      const auto value = [&](std::size_t call) { return features_[call][feature] - origin; };
      Moments whole;
      for (const std::size_t call : order) whole.add(costs_[call], value(call));
      Moments left;
      for (std::size_t i = 0; i + 1 < order.size(); ++i) {
        left.add(costs_[order[i]], value(order[i]));
        if (value(order[i]) == value(order[i + 1])) continue;
        const double rest = left.spread() + whole.without(left).spread();
        const double gain = kImportance[feature] * (whole.spread() - rest);
        if (gain > best.gain) best = {gain, feature, features_[order[i]][feature]};
      }
    }
    return best;
  }

  std::pair<std::vector<std::size_t>, std::vector<std::size_t>> halves(
      const std::vector<std::size_t>& members, const Split& split) const {
    std::pair<std::vector<std::size_t>, std::vector<std::size_t>> parts;
    for (const std::size_t call : members) {
      (features_[call][split.feature] <= split.last ? parts.first : parts.second).push_back(call);
    }
    return parts;
  }

  double sum_of(const std::vector<std::size_t>& members) const {
    double sum = 0;
    for (const std::size_t call : members) sum += costs_[call];
    return sum;
  }

  Bin bin_of(std::vector<std::size_t> members) const {
    const double sum = sum_of(members);
    Features middle{};
    for (const std::size_t call : members) {
      const double share = sum > 0 ? costs_[call] / sum : 1.0 / static_cast<double>(members.size());
      for (std::size_t i = 0; i < kFeatures; ++i) middle[i] += share * features_[call][i];
    }
    const auto distance = [&](std::size_t call) {
      double squares = 0;
      for (std::size_t i = 0; i < kFeatures; ++i) {
        squares += kImportance[i] * std::pow(features_[call][i] - middle[i], 2);
      }
      return squares;
    };
    const std::size_t nearest = *std::ranges::min_element(members, {}, distance);
    const double cost = costs_[nearest];
    const double weight = cost > 0 ? sum / cost : static_cast<double>(members.size());
    return {nearest, std::move(members), weight};
  }

  std::vector<Features> features_;
  std::vector<double> costs_;
};

}  // namespace

std::vector<Bin> bin_calls(std::span<const CallCost> calls, std::size_t most) {
  return Binning(calls).bins(most);
}

}  // namespace flashcore
