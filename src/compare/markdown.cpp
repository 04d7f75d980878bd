#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "compare/output.hpp"
#include "report/text.hpp"

namespace flashcore {
namespace {

// Text that shows as it is, also within a table.
std::string escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]<>()#+-!|~&";
  std::string result;
  for (const char c : printable(text)) {
    if (kSpecial.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string row_line(const RowVerdict& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {}{} | {} |\n", escaped(row.problem.name),
                     escaped(row.variant), time_text(row.base_us), time_text(row.new_us),
                     change_text(row.ratio), interval_text(row.ratio), row.fails ? "❌ " : "",
                     to_string(row.verdict), escaped(note_of(row)));
}

std::string scope_table(const Comparison& comparison) {
  if (comparison.scopes.empty()) return "";
  std::string text = "\n| rows together | count | change | interval | verdict |\n|---|---:|---:|---|---|\n";
  for (const ScopeVerdict& scope : comparison.scopes) {
    text += fmt::format("| {} | {} | {} | {} | {}{} |\n", escaped(scope.name), scope.rows,
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
                  escaped(headline(comparison)), counts(comparison));
  if (!comparison.differences.empty()) text += "\nThe environments differ:\n\n";
  for (const std::string& difference : comparison.differences) {
    text += fmt::format("- {}\n", escaped(difference));
  }
  if (comparison.drift) {
    text += fmt::format("\n{} rows of unchanged machine code drifted by {}; that is taken out of the rest.\n",
                        comparison.drift->controls, percent(comparison.drift->ratio));
  }
  const auto is_told = [](const RowVerdict& row) { return row.verdict != Verdict::same; };
  if (std::ranges::any_of(comparison.rows, is_told)) {
    text +=
        "\n| problem | variant | base µs | new µs | change | interval | verdict | note |\n"
        "|---|---|---:|---:|---:|---|---|---|\n";
    for (const RowVerdict& row : comparison.rows) {
      if (is_told(row)) text += row_line(row);
    }
  }
  return text + scope_table(comparison);
}

}  // namespace flashcore
