// A comparison as text for people and for services; the terminal's table is cli/compare_table.hpp.
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/text.hpp"
#include "compare/comparison.hpp"

namespace flashcore {

// For a pull request: GitHub-flavoured; rows that are `same` are counted, not listed.
std::string to_markdown(const Comparison& comparison);

// One test case a row and a scope, in the form that Jenkins' xUnit plug-in describes (junit-10.xsd): what
// makes the gate fail is a failure, other `unclear` rows are skipped.
std::string to_junit(const Comparison& comparison);

// configs/schema/comparison.schema.json.
Json to_json(const Comparison& comparison);

// The new side's times, for services that keep histories. Names are "problem/variant"; rows without a time
// are left out.
Json to_bencher(const Comparison& comparison);            // Bencher Metric Format: latency in nanoseconds
Json to_smaller_is_better(const Comparison& comparison);  // github-action-benchmark's customSmallerIsBetter
Json to_google_benchmark(const Comparison& comparison);   // as Google Benchmark's --benchmark_format=json

// Parts that the forms share.
std::string time_text(const std::optional<double>& us);      // four digits, or a dash
std::string change_text(const std::optional<Ratio>& ratio);  // percent() of its value, or a dash
std::string interval_text(const std::optional<Ratio>& ratio);
std::string headline(const Comparison& comparison);  // "regression: 2 rows slower" and the like
std::string counts(const Comparison& comparison);    // "144 same, 2 slower, 1 new"
std::string note_of(const RowVerdict& row);          // its note, and why it is allowed

}  // namespace flashcore
