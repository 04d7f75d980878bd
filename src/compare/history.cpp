#include "compare/history.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compare/compare_files.hpp"
#include "compare/resample.hpp"
#include "compare/row_statistics.hpp"

namespace flashcore {
namespace {

std::string text_at(const ResultFile& file, const char* pointer) {
  return environment_text(file.environment, pointer);
}

// A series of logarithms, and the parameters of the search for its steps.
struct Series {
  std::vector<double> logs;
  double error = 0;  // of one point
  double tolerance = 0;
  double limit = 0;  // in standard errors

  double mean(std::size_t begin, std::size_t end) const {
    const auto at = [this](std::size_t place) { return logs.begin() + static_cast<std::ptrdiff_t>(place); };
    return std::accumulate(at(begin), at(end), 0.0) / static_cast<double>(end - begin);
  }
};

void find_steps(const Series& series, std::size_t begin, std::size_t end, std::vector<std::size_t>& steps) {
  std::size_t best = begin;
  double most = 0;
  for (std::size_t cut = begin + 1; cut < end; ++cut) {
    const double difference = std::abs(series.mean(cut, end) - series.mean(begin, cut));
    const double error = series.error * std::sqrt(1.0 / static_cast<double>(cut - begin) +
                                                  1.0 / static_cast<double>(end - cut));
    if (difference <= std::log1p(series.tolerance) || difference <= most * error) continue;
    most = difference / error;
    best = cut;
  }
  if (best == begin || most <= series.limit) return;
  find_steps(series, begin, best, steps);
  steps.push_back(best);
  find_steps(series, best, end, steps);
}

double point_error(const RepeatedRow& row, const std::vector<double>& logs, const NoiseModel& noise) {
  const Spread& spread = noise.of(row.noise_class);
  const double own = std::max(spread.row, row.host_noise);
  const double common = std::max(spread.common, row.host_noise);
  const double stated = std::sqrt(own * own + common * common + row.sampling_variance);
  if (logs.size() <= kMinDifferences) return stated;
  std::vector<double> differences;
  for (std::size_t i = 1; i < logs.size(); ++i) differences.push_back(logs[i] - logs[i - 1]);
  return std::max(stated, robust_deviation(differences) / std::sqrt(2.0));
}

std::vector<HistoryStep> steps_of(const Series& series) {
  std::vector<std::size_t> places;
  find_steps(series, 0, series.logs.size(), places);
  std::vector<HistoryStep> steps;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t begin = i == 0 ? 0 : places[i - 1];
    const std::size_t end = i + 1 == places.size() ? series.logs.size() : places[i + 1];
    steps.push_back({places[i], std::exp(series.mean(places[i], end) - series.mean(begin, places[i]))});
  }
  return steps;
}

// Sorts the files by time, and keeps only files of the newest file's device. Returns the number of files that
// it left out.
std::size_t keep_one_device(std::vector<ResultFile>& files) {
  std::ranges::stable_sort(files, {}, [](const ResultFile& file) { return text_at(file, "/time"); });
  const std::string device = text_at(files.back(), "/device/name");
  return std::erase_if(files,
                       [&](const ResultFile& file) { return text_at(file, "/device/name") != device; });
}

}  // namespace

History make_history(std::vector<ResultFile> files, const ComparePolicy& policy) {
  History history;
  history.left_out = keep_one_device(files);
  history.device = text_at(files.back(), "/device/name");
  const Runs runs = runs_of(files);
  const Backend backend = runs.back().empty() ? Backend::cpu : runs.back().front().backend;
  const NoiseModel noise = find_noise(files.back(), policy).value_or(default_noise(backend));
  const std::vector<SideRow> rows = side_rows(runs, policy);
  for (const SideRow& named : rows) {
    RowHistory row{.problem = named.record->problem.name, .variant = named.record->variant_id()};
    Series series;
    for (const auto& run : named.row.runs) {
      const ResultFile& file = files[run.run];
      row.points.push_back({text_at(file, "/time"), text_at(file, "/git/commit"), std::exp(run.log_median)});
      series.logs.push_back(run.log_median);
    }
    series.error = point_error(named.row, series.logs, noise);
    series.tolerance = policy.tolerance(named.record->problem, row.variant);
    series.limit = normal_quantile_above(
        kStepLevel / 2 / static_cast<double>(rows.size() * std::max<std::size_t>(1, series.logs.size() - 1)));
    row.steps = steps_of(series);
    history.rows.push_back(std::move(row));
  }
  return history;
}

}  // namespace flashcore
