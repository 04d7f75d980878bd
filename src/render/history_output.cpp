#include "render/history_output.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/schema_version.hpp"
#include "base/text.hpp"
#include "base/text_table.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kMaxBars = 24;  // for the newest points

std::string sparkline(const std::vector<HistoryPoint>& points) {
  constexpr std::string_view kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t first = points.size() > kMaxBars ? points.size() - kMaxBars : 0;
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

std::string history_table(const History& history, const TextOptions& options) {
  TextTable table({{"problem", Align::left, 0, Cut::middle},
                   {"variant", Align::left, 0, Cut::middle},
                   {"results", Align::right, 2},
                   {"first µs", Align::right, 3},
                   {"newest µs", Align::right},
                   {"change", Align::right},
                   {"trend", Align::left, 1},
                   {"steps", Align::left, 0, Cut::end}});
  for (const RowHistory& row : history.rows) {
    const double first = row.points.front().us;
    const double newest = row.points.back().us;
    table.add({row.problem, row.variant, std::to_string(row.points.size()), format_significant(first, 4),
               format_significant(newest, 4), percent(newest / first), sparkline(row.points),
               steps_cell(row)});
  }
  std::string text = printable(history.device) + "\n" + table.text({.width = options.width});
  if (history.left_out > 0) text += fmt::format("{} results of other devices left out\n", history.left_out);
  return text;
}

Json to_json(const History& history) {
  Json json = {{"schema_version", kSchemaVersion},
               {"device", history.device},
               {"left_out", history.left_out},
               {"rows", Json::array()}};
  for (const RowHistory& row : history.rows) {
    Json entry = {{"problem", row.problem}, {"variant", row.variant}};
    entry["points"] = Json::array();
    for (const HistoryPoint& point : row.points) {
      entry["points"].push_back({{"time", point.time}, {"commit", point.commit}, {"us", point.us}});
    }
    entry["steps"] = Json::array();
    for (const HistoryStep& step : row.steps) {
      entry["steps"].push_back({{"time", row.points[step.place].time},
                                {"commit", row.points[step.place].commit},
                                {"ratio", step.ratio}});
    }
    json["rows"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace flashcore
