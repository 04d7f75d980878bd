// Writes flags into the config document, so that the same reader checks flags and config.
#include <fmt/format.h>

#include "base/error.hpp"
#include "config/plan.hpp"
#include "config/problem_reader.hpp"

namespace flashcore {
namespace {

using nlohmann::json;

// A text that is not a number becomes a string. The reader then rejects it with the flag's name.
json number_or_text(const std::string& text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_number() ? value : json(text);
}

// A single value is not put into an array, so that messages name the flag without an index.
template <class Convert>
void set_list(JsonDocument& document, const std::string& pointer, const std::vector<std::string>& texts,
              const std::string& flag, Convert convert) {
  if (texts.empty()) return;
  json values = json::array();
  for (const std::string& text : texts) values.push_back(convert(text));
  document.set(pointer, values.size() == 1 ? values.front() : values, flag);
}

}  // namespace

void apply(const Overrides& overrides, JsonDocument& document) {
  if (overrides.check_only && overrides.no_check) {
    throw UsageError("--check-only: cannot be combined with --no-check");
  }
  if (overrides.depth && overrides.no_check) {
    throw UsageError("--depth: cannot be combined with --no-check");
  }
  if (!overrides.require.empty() && overrides.no_check) {
    throw UsageError("--require: cannot be combined with --no-check");
  }
  if (overrides.device) document.set("/device", *overrides.device, "--device");
  if (overrides.baseline) document.set("/baseline", *overrides.baseline, "--baseline");
  if (overrides.output) document.set("/report/output", *overrides.output, "--output");
  if (overrides.budget_s) document.set("/measure/budget_s", number_or_text(*overrides.budget_s), "--budget");
  if (overrides.repeats) document.set("/measure/repeats", number_or_text(*overrides.repeats), "--repeats");
  if (overrides.depth) document.set("/check/depth", *overrides.depth, "--depth");
  if (overrides.pacing) document.set("/measure/pacing", *overrides.pacing, "--pacing");
  if (overrides.timeout_s) {
    document.set("/measure/timeout_s", number_or_text(*overrides.timeout_s), "--timeout");
  }
  if (overrides.seed) document.set("/seed", number_or_text(*overrides.seed), "--seed");
  if (overrides.tuned_table) document.set("/tuned_table", *overrides.tuned_table, "--tuned-table");
  if (overrides.search) document.set("/tune/search", *overrides.search, "--search");
  if (overrides.objective) document.set("/tune/objective", *overrides.objective, "--objective");
  if (overrides.max_candidates) {
    document.set("/tune/max_candidates", number_or_text(*overrides.max_candidates), "--max-candidates");
  }
  if (overrides.check_only) document.set("/measure/clocks", json::array(), "--check-only");
  if (overrides.no_check) document.set("/check/enabled", false, "--no-check");
  const auto as_text = [](const std::string& text) { return json(text); };
  set_list(document, "/variants", overrides.variants, "--variants", as_text);
  set_list(document, "/require", overrides.require, "--require", as_text);
  set_list(document, "/report/formats", overrides.formats, "--format", as_text);
  set_list(document, "/problems", overrides.problems, "--problem", problem_from_flag);
}

}  // namespace flashcore
