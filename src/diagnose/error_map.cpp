#include "diagnose/error_map.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

namespace flashcore {
namespace {

constexpr std::string_view kSeverity = ".+#0!?";

bool is_wrong(char cell) { return cell != static_cast<char>(Cell::right); }

// For each row or column of the map: whether it has an error.
std::vector<bool> wrong_lines(const ErrorMap& map, bool along_rows) {
  std::vector<bool> wrong(static_cast<std::size_t>(along_rows ? map.rows() : map.columns()), false);
  for (std::size_t row = 0; row < map.cells.size(); ++row) {
    for (std::size_t column = 0; column < map.cells[row].size(); ++column) {
      if (is_wrong(map.cells[row][column])) wrong[along_rows ? row : column] = true;
    }
  }
  return wrong;
}

// "25-31", "0, 8-15".
std::string ranges(const std::vector<bool>& set) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < set.size(); ++begin) {
    if (!set[begin]) continue;
    std::size_t end = begin;
    while (end + 1 < set.size() && set[end + 1]) ++end;
    parts.push_back(begin == end ? fmt::format("{}", begin) : fmt::format("{}-{}", begin, end));
    begin = end;
  }
  constexpr std::size_t kMaxParts = 6;
  if (parts.size() > kMaxParts) {
    parts.resize(kMaxParts);
    parts.emplace_back("…");
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

bool all_of(const std::vector<bool>& set) { return std::ranges::count(set, true) == std::ssize(set); }
bool none_of(const std::vector<bool>& set) { return std::ranges::count(set, true) == 0; }

// The first period of the pattern, if the pattern repeats exactly and has at least two periods.
std::optional<std::vector<bool>> one_period(const std::vector<bool>& wrong, std::int64_t length) {
  const auto step = static_cast<std::size_t>(length);
  if (length < 2 || wrong.size() < 2 * step) return std::nullopt;
  std::vector<bool> first(wrong.begin(), wrong.begin() + length);
  for (std::size_t i = step; i < wrong.size(); ++i) {
    if (wrong[i] != first[i % step]) return std::nullopt;
  }
  return first;
}

std::string describe_lines(const std::vector<bool>& wrong, const std::vector<Period>& periods,
                           std::string_view lines) {
  if (none_of(wrong) || all_of(wrong)) return "";
  for (const Period& period : periods) {
    if (const auto first = one_period(wrong, period.length)) {
      return fmt::format("{} {} of every {}{}", lines, ranges(*first), period.length,
                         period.name.empty() ? "" : " (" + period.name + ")");
    }
  }
  return fmt::format("{} {} of {}", lines, ranges(wrong), wrong.size());
}

// The 8 x 8 quadrants of every 16 x 16 that have errors, if other quadrants have none. Each register of a
// matrix instruction's fragment belongs to one quadrant (PTX ISA, "Matrix fragments for mma.m16n8k16").
std::string describe_quadrants(const ErrorMap& map) {
  constexpr const char* kNames[] = {"upper left", "upper right", "lower left", "lower right"};
  constexpr std::size_t kQuadrant = 8;
  if (map.rows() < 16 || map.columns() < 16) return "";
  bool wrong[4] = {};
  for (std::size_t row = 0; row < map.cells.size(); ++row) {
    for (std::size_t column = 0; column < map.cells[row].size(); ++column) {
      wrong[row / kQuadrant % 2 * 2 + column / kQuadrant % 2] |= is_wrong(map.cells[row][column]);
    }
  }
  std::vector<std::string_view> names;
  for (int i = 0; i < 4; ++i) {
    if (wrong[i]) names.emplace_back(kNames[i]);
  }
  if (names.empty() || names.size() == 4) return "";
  return fmt::format("the {} 8 x 8 of every 16 x 16", fmt::join(names, " and "));
}

// "are zero" if every wrong element is zero; likewise for the other kinds of errors.
std::string_view manner(const ErrorMap& map) {
  std::set<char> kinds;
  for (const std::string& row : map.cells) {
    for (const char cell : row) {
      if (is_wrong(cell)) kinds.insert(cell);
    }
  }
  if (kinds.size() != 1) return "are wrong";
  switch (static_cast<Cell>(*kinds.begin())) {
    case Cell::zero:
      return "are zero";
    case Cell::nonfinite:
      return "are not finite";
    case Cell::unwritten:
      return "are not written";
    default:
      return "are wrong";
  }
}

void sort_unique(std::vector<Period>& periods) {
  std::ranges::stable_sort(periods, {}, &Period::length);
  const auto same_length = [](const Period& a, const Period& b) { return a.length == b.length; };
  periods.erase(std::unique(periods.begin(), periods.end(), same_length), periods.end());
}

}  // namespace

bool ErrorMap::any_wrong() const {
  return std::ranges::any_of(cells,
                             [](const std::string& row) { return std::ranges::any_of(row, is_wrong); });
}

std::vector<Period> row_periods(const Tile& tile) {
  std::vector<Period> periods;
  if (tile.block_q > 0) periods.push_back({tile.block_q, "block_q"});
  if (tile.block_q > 0 && tile.num_warps > 1 && tile.block_q % tile.num_warps == 0) {
    periods.push_back({tile.block_q / tile.num_warps, "the rows of a warp"});
  }
  for (const std::int64_t length : {8, 16, 32, 64}) periods.push_back({length, ""});
  sort_unique(periods);
  return periods;
}

std::vector<Period> column_periods(const Tile& tile, bool columns_are_keys) {
  std::vector<Period> periods;
  if (columns_are_keys && tile.block_kv > 0) periods.push_back({tile.block_kv, "block_kv"});
  for (const std::int64_t length : {8, 16, 32}) periods.push_back({length, ""});
  sort_unique(periods);
  return periods;
}

std::string describe_pattern(const ErrorMap& map, const Tile& tile) {
  if (!map.any_wrong()) return "";
  const bool keys = map.of.ends_with("keys");
  const std::string rows = describe_lines(wrong_lines(map, true), row_periods(tile), "rows");
  const std::string columns =
      describe_lines(wrong_lines(map, false), column_periods(tile, keys), keys ? "keys" : "columns");
  std::string place = rows.empty() || columns.empty() ? rows + columns : rows + " in " + columns;
  if (place.empty()) place = describe_quadrants(map);
  return place.empty() ? "" : fmt::format("{} {}", place, manner(map));
}

std::vector<std::string> draw(const ErrorMap& map, std::int64_t max_rows, std::int64_t max_columns) {
  const std::int64_t rows = std::min(map.rows(), max_rows);
  const std::int64_t columns = std::min(map.columns(), max_columns);
  std::vector<std::string> picture(static_cast<std::size_t>(rows),
                                   std::string(static_cast<std::size_t>(columns), kSeverity.front()));
  for (std::int64_t row = 0; row < map.rows(); ++row) {
    for (std::int64_t column = 0; column < map.columns(); ++column) {
      const char cell = map.cells[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
      char& drawn = picture[static_cast<std::size_t>(row * rows / map.rows())]
                           [static_cast<std::size_t>(column * columns / map.columns())];
      if (kSeverity.find(cell) > kSeverity.find(drawn)) drawn = cell;
    }
  }
  return picture;
}

}  // namespace flashcore
