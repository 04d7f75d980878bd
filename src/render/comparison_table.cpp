#include <fmt/format.h>

#include <vector>

#include "base/columns.hpp"
#include "base/text.hpp"
#include "render/comparison_output.hpp"

namespace flashcore {
namespace {

using Rows = std::vector<std::vector<std::string>>;

const fmt::text_style kGood = fmt::fg(fmt::terminal_color::green);
const fmt::text_style kBad = fmt::fg(fmt::terminal_color::red) | fmt::emphasis::bold;
const fmt::text_style kFaint = fmt::text_style(fmt::emphasis::faint);

std::string verdict_cell(Verdict verdict, bool fails) {
  return fmt::format("{}{}", to_string(verdict), fails ? " ✗" : "");
}

std::vector<std::string> cells(const RowVerdict& row) {
  return {printable(row.problem.name),
          row.variant,
          time_text(row.base_us),
          time_text(row.new_us),
          change_text(row.ratio),
          interval_text(row.ratio),
          verdict_cell(row.verdict, row.fails),
          printable(note_of(row))};
}

std::string rows_text(const Comparison& comparison, bool all_rows) {
  Rows rows = {{"problem", "variant", "base µs", "new µs", "change", "interval", "verdict"}};
  for (const RowVerdict& row : comparison.rows) {
    if (all_rows || row.verdict != Verdict::same) rows.push_back(cells(row));
  }
  return rows.size() > 1 ? align_columns(rows) + "\n" : "";
}

std::string scopes_text(const Comparison& comparison) {
  if (comparison.scopes.empty()) return "";
  Rows rows = {{"together", "rows", "change", "interval", "verdict"}};
  for (const ScopeVerdict& scope : comparison.scopes) {
    rows.push_back({scope.name, std::to_string(scope.rows), change_text(scope.ratio),
                    interval_text(scope.ratio), verdict_cell(scope.verdict, scope.fails)});
  }
  return align_columns(rows) + "\n";
}

}  // namespace

std::string to_table(const Comparison& comparison, const TextOptions& options) {
  std::string text;
  for (const std::string& difference : comparison.differences) {
    text += paint(fmt::format("differs: {}", printable(difference)), kBad, options.color) + "\n";
  }
  if (!text.empty()) text += "\n";
  text += rows_text(comparison, options.all_rows) + scopes_text(comparison);
  for (const Drift& drift : comparison.drifts) text += drift_text(drift) + "\n";
  text += paint(fmt::format("noise between runs: {}", printable(comparison.noise.source)), kFaint,
                options.color) +
          "\n" + counts(comparison) + "\n";
  const bool fine = comparison.outcome == Outcome::fine;
  return text + paint(printable(headline(comparison)), fine ? kGood : kBad, options.color) + "\n";
}

}  // namespace flashcore
