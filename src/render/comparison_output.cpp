#include "render/comparison_output.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"

namespace flashcore {

std::string time_text(const std::optional<double>& us) {
  return us ? format_significant(*us, 4) : std::string(kNothing);
}

std::string change_text(const std::optional<Ratio>& ratio) {
  return ratio ? percent(ratio->value) : std::string(kNothing);
}

std::string interval_text(const std::optional<Ratio>& ratio) {
  return ratio ? fmt::format("{} … {}", percent(ratio->low), percent(ratio->high)) : std::string(kNothing);
}

std::string full_name(const RowVerdict& row) { return row.problem.name + "/" + row.variant; }

double half_width_us(const RowVerdict& row) {
  return row.ratio ? *row.new_us * (row.ratio->high / row.ratio->value - 1) : 0;
}

std::string drift_text(const Drift& drift) {
  return fmt::format("{} rows {}of unchanged machine code drifted by {}, which is taken out of the rest{}",
                     drift.controls, drift.at_limit ? "at the power limit and " : "", percent(drift.ratio),
                     drift.at_limit ? " there" : "");
}

std::string headline(const Comparison& comparison) {
  constexpr const char* kWords[] = {"no regression", "regression", "cannot tell"};
  const char* word = kWords[static_cast<std::size_t>(comparison.outcome)];
  if (comparison.reasons.empty()) return word;
  return fmt::format("{}: {}", word, fmt::join(comparison.reasons, "; "));
}

std::string verdict_sentence(const Comparison& comparison, const std::string& base) {
  return fmt::format("against {}: {}; {}", base, headline(comparison), counts(comparison));
}

std::string counts(const Comparison& comparison) {
  std::vector<std::string> parts;
  for (const Verdict verdict : kAll<Verdict>) {
    if (const std::size_t count = comparison.count(verdict); count > 0) {
      parts.push_back(fmt::format("{} {}", count, to_string(verdict)));
    }
  }
  return parts.empty() ? "no rows" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string note_of(const RowVerdict& row) {
  if (row.allowed.empty()) return row.note;
  return fmt::format("{}{}allowed: {}", row.note, row.note.empty() ? "" : "; ", row.allowed);
}

}  // namespace flashcore
