// flashcore-bench compare --history: results over time.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "cli/columns.hpp"
#include "cli/compare_modes.hpp"
#include "render/comparison_output.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kMostBars = 24;  // the newest points

std::string sparkline(const std::vector<HistoryPoint>& points) {
  constexpr std::string_view kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t first = points.size() > kMostBars ? points.size() - kMostBars : 0;
  const auto begin = points.begin() + static_cast<std::ptrdiff_t>(first);
  const auto [low, high] = std::ranges::minmax_element(begin, points.end(), {}, &HistoryPoint::us);
  const double step = (high->us - low->us) / std::size(kBars);
  std::string line;
  for (auto point = begin; point != points.end(); ++point) {
    const auto level = step > 0 ? static_cast<std::size_t>((point->us - low->us) / step) : 0;
    line += kBars[std::min(level, std::size(kBars) - 1)];
  }
  return line;
}

std::string steps_cell(const RowHistory& row) {
  std::string text;
  for (const HistoryStep& step : row.steps) {
    const HistoryPoint& point = row.points[step.place];
    text += fmt::format("{}{} at {}", text.empty() ? "" : ", ", percent(step.ratio), point.time);
    if (!point.commit.empty()) text += fmt::format(" ({:.12})", point.commit);
  }
  return printable(text);
}

}  // namespace

std::string history_table(const History& history) {
  std::vector<std::vector<std::string>> rows = {
      {"problem", "variant", "results", "first µs", "newest µs", "change", "trend", "steps"}};
  for (const RowHistory& row : history.rows) {
    const double first = row.points.front().us;
    const double newest = row.points.back().us;
    rows.push_back({printable(row.problem), row.variant, std::to_string(row.points.size()),
                    format_significant(first, 4), format_significant(newest, 4), percent(newest / first),
                    sparkline(row.points), steps_cell(row)});
  }
  std::string text = printable(history.device) + "\n" + align_columns(rows);
  if (history.left_out > 0) text += fmt::format("{} results of other devices left out\n", history.left_out);
  return text;
}

}  // namespace flashcore
