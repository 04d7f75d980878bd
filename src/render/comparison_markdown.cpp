#include <fmt/format.h>

#include <algorithm>

#include "base/escape.hpp"
#include "render/comparison_output.hpp"

namespace flashcore {
namespace {

std::string row_line(const RowVerdict& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {}{} | {} |\n", escape_markdown(row.problem.name),
                     escape_markdown(row.variant), time_text(row.base_us), time_text(row.new_us),
                     change_text(row.ratio), interval_text(row.ratio), row.fails ? "❌ " : "",
                     to_string(row.verdict), escape_markdown(note_of(row)));
}

std::string scope_table(const Comparison& comparison) {
  if (comparison.scopes.empty()) return "";
  std::string text = "\n| rows together | count | change | interval | verdict |\n|---|---:|---:|---|---|\n";
  for (const ScopeVerdict& scope : comparison.scopes) {
    text += fmt::format("| {} | {} | {} | {} | {}{} |\n", escape_markdown(scope.name), scope.rows,
                        change_text(scope.ratio), interval_text(scope.ratio), scope.fails ? "❌ " : "",
                        to_string(scope.verdict));
  }
  return text;
}

}  // namespace

std::string to_markdown(const Comparison& comparison) {
  constexpr const char* kSigns[] = {"✅", "❌", "❔"};
  std::string text =
      fmt::format("### {} FlashCore: {}\n\n{}\n", kSigns[static_cast<std::size_t>(comparison.outcome)],
                  escape_markdown(headline(comparison)), counts(comparison));
  if (!comparison.differences.empty()) text += "\nThe environments differ:\n\n";
  for (const std::string& difference : comparison.differences) {
    text += fmt::format("- {}\n", escape_markdown(difference));
  }
  for (const Drift& drift : comparison.drifts) text += fmt::format("\n{}.\n", drift_text(drift));
  const auto is_listed = [](const RowVerdict& row) { return row.verdict != Verdict::same; };
  if (std::ranges::any_of(comparison.rows, is_listed)) {
    text +=
        "\n| problem | variant | base µs | new µs | change | interval | verdict | note |\n"
        "|---|---|---:|---:|---:|---|---|---|\n";
    for (const RowVerdict& row : comparison.rows) {
      if (is_listed(row)) text += row_line(row);
    }
  }
  return text + scope_table(comparison);
}

}  // namespace flashcore
