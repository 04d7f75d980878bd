#include "conclude/pareto.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace flashcore {

std::vector<std::size_t> pareto_set(std::span<const TimeAndEnergy> points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {},
                           [&](std::size_t i) { return std::pair(points[i].us, points[i].energy.mean_j); });
  std::vector<std::size_t> set;
  for (const std::size_t i : order) {
    const auto saves = [&](std::size_t faster) {
      const EnergyEstimate& more = points[faster].energy;
      return points[i].energy.mean_j < more.mean_j && !are_tied(points[i].energy, more);
    };
    if (std::ranges::all_of(set, saves)) set.push_back(i);
  }
  return set;
}

std::vector<std::size_t> pareto_set(std::span<const Record* const> records, TimingMode mode) {
  std::vector<std::size_t> places;
  std::vector<TimeAndEnergy> points;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& timing = records[i]->timings[mode];
    const auto energy = energy_estimate(*records[i]);
    if (records[i]->status != Status::ok || !timing || !energy) continue;
    places.push_back(i);
    points.push_back({.us = timing->median, .energy = *energy});
  }
  std::vector<std::size_t> set;
  for (const std::size_t point : pareto_set(points)) set.push_back(places[point]);
  return set;
}

}  // namespace flashcore
