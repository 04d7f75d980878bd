// A comparison as text, and the parts that its formats share.
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/text.hpp"
#include "compare/comparison.hpp"
#include "render/text_options.hpp"

namespace flashcore {

// For the terminal: differences of environment, rows, families, and the outcome with its reasons.
std::string to_table(const Comparison& comparison, const TextOptions& options);

// For a pull request: GitHub-flavoured; rows that are `same` are counted, not listed.
std::string to_markdown(const Comparison& comparison);

// configs/schema/comparison.schema.json.
Json to_json(const Comparison& comparison);

std::string time_text(const std::optional<double>& us);      // four digits, or a dash
std::string change_text(const std::optional<Ratio>& ratio);  // percent() of its value, or a dash
std::string interval_text(const std::optional<Ratio>& ratio);
std::string headline(const Comparison& comparison);  // "regression: 2 rows slower" and the like
// "against base.json: no regression; 144 same, 1 new"
std::string verdict_sentence(const Comparison& comparison, const std::string& base);
std::string counts(const Comparison& comparison);  // "144 same, 2 slower, 1 new"
// "12 rows of unchanged machine code drifted by +1.2 %, which is taken out of the rest"
std::string drift_text(const Drift& drift);
std::string note_of(const RowVerdict& row);    // its note, and why it is allowed
std::string full_name(const RowVerdict& row);  // "problem/variant"
double half_width_us(const RowVerdict& row);   // half of the ratio's interval, as a time

}  // namespace flashcore
