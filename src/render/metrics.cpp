#include "render/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "measure/statistics.hpp"
#include "record/ranking.hpp"
#include "render/comparison_output.hpp"

namespace flashcore {

std::vector<Metric> metrics_of(const Comparison& comparison) {
  std::vector<Metric> metrics;
  for (const RowVerdict& row : comparison.rows) {
    if (!row.new_us) continue;
    const double half = half_width_us(row);
    metrics.push_back({full_name(row), *row.new_us, *row.new_us - half, *row.new_us + half,
                       fmt::format("{} clock, {}", to_string(*row.mode), to_string(row.verdict))});
  }
  return metrics;
}

std::vector<Metric> metrics_of(std::span<const ResultFile> files) {
  std::vector<Metric> metrics;
  std::vector<std::vector<double>> medians;
  std::map<std::string, std::size_t> places;
  for (const ResultFile& file : files) {
    for (const Record& record : file.records) {
      if (!is_timed(record)) continue;
      const Timing& timing = *record.headline();
      const std::string name = record.problem.name + "/" + record.variant_id();
      const std::string extra = fmt::format("{} clock", to_string(*record.headline_mode()));
      const auto [place, is_new] = places.try_emplace(name, metrics.size());
      if (is_new) {
        metrics.push_back({name, 0, timing.ci95_low, timing.ci95_high, extra});
        medians.emplace_back();
      }
      Metric& metric = metrics[place->second];
      if (metric.extra != extra) continue;
      metric.low_us = std::min(metric.low_us, timing.ci95_low);
      metric.high_us = std::max(metric.high_us, timing.ci95_high);
      medians[place->second].push_back(timing.median);
    }
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    std::ranges::sort(medians[i]);
    metrics[i].us = quantile(medians[i], 0.5);
  }
  return metrics;
}

}  // namespace flashcore
