#include <fmt/format.h>

#include "base/text.hpp"
#include "base/text_table.hpp"
#include "render/comparison_output.hpp"

namespace flashcore {
namespace {

const fmt::text_style kGood = fmt::fg(fmt::terminal_color::green);
const fmt::text_style kBad = fmt::fg(fmt::terminal_color::red) | fmt::emphasis::bold;
const fmt::text_style kFaint = fmt::text_style(fmt::emphasis::faint);

std::string verdict_cell(Verdict verdict, bool fails) {
  return fmt::format("{}{}", to_string(verdict), fails ? " ✗" : "");
}

std::vector<std::string> cells(const RowVerdict& row) {
  return {row.problem.name,
          row.variant,
          time_text(row.base_us),
          time_text(row.new_us),
          change_text(row.ratio),
          interval_text(row.ratio),
          verdict_cell(row.verdict, row.fails),
          note_of(row)};
}

std::string rows_text(const Comparison& comparison, const TextOptions& options) {
  TextTable table({{"problem", Align::left, 0, Cut::middle},
                   {"variant", Align::left, 0, Cut::middle},
                   {"base µs", Align::right, 3},
                   {"new µs", Align::right, 2},
                   {"change", Align::right},
                   {"interval", Align::right, 1},
                   {"verdict"},
                   {"", Align::left, 0, Cut::end}});
  for (const RowVerdict& row : comparison.rows) {
    if (options.all_rows || row.verdict != Verdict::same) table.add(cells(row));
  }
  return table.empty() ? "" : table.text({.width = options.width}) + "\n";
}

std::string scopes_text(const Comparison& comparison, const TextOptions& options) {
  if (comparison.scopes.empty()) return "";
  TextTable table({{"together", Align::left, 0, Cut::middle},
                   {"rows", Align::right},
                   {"change", Align::right},
                   {"interval", Align::right},
                   {"verdict"}});
  for (const ScopeVerdict& scope : comparison.scopes) {
    table.add({scope.name, std::to_string(scope.rows), change_text(scope.ratio), interval_text(scope.ratio),
               verdict_cell(scope.verdict, scope.fails)});
  }
  return table.text({.width = options.width}) + "\n";
}

}  // namespace

std::string to_table(const Comparison& comparison, const TextOptions& options) {
  std::string text;
  for (const std::string& difference : comparison.differences) {
    text += paint(fmt::format("differs: {}", printable(difference)), kBad, options.color) + "\n";
  }
  if (!text.empty()) text += "\n";
  text += rows_text(comparison, options) + scopes_text(comparison, options);
  const auto wrapped = [&](const std::string& line) { return wrap(line, options.width, 2); };
  for (const Drift& drift : comparison.drifts) text += wrapped(drift_text(drift)) + "\n";
  text += paint(fmt::format("noise between runs: {}", printable(comparison.noise.source)), kFaint,
                options.color) +
          "\n" + counts(comparison) + "\n";
  const bool fine = comparison.outcome == Outcome::fine;
  return text + paint(wrapped(printable(headline(comparison))), fine ? kGood : kBad, options.color) + "\n";
}

}  // namespace flashcore
