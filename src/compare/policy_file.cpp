#include "compare/policy_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/error.hpp"
#include "base/names.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kRootKeys[] = {"$schema", "description", "smallest_effect",
                                          "fail_on", "tolerances",  "allowed"};
constexpr std::string_view kToleranceKeys[] = {"problem", "variant", "effect"};
constexpr std::string_view kAllowanceKeys[] = {"problem", "variant", "reason", "until"};

std::string read_text(const JsonReader& object, std::string_view key) {
  if (!object.has(key)) object.fail(fmt::format("needs the key \"{}\"", key));
  std::string text = object[key].string();
  if (text.empty()) object[key].fail("must not be empty");
  return text;
}

RowFilter read_filter(const JsonReader& object) {
  RowFilter filter;
  if (object.has("problem")) filter.problem = read_text(object, "problem");
  if (object.has("variant")) filter.variant = read_text(object, "variant");
  return filter;
}

bool is_date(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  char after = 0;
  if (text.size() != 10 || std::sscanf(text.c_str(), "%4d-%2u-%2u%c", &year, &month, &day, &after) != 3) {
    return false;
  }
  using namespace std::chrono;
  return year_month_day{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}}.ok();
}

Allowance read_allowance(const JsonReader& object) {
  object.check_keys(kAllowanceKeys);
  Allowance allowance{.rows = read_filter(object),
                      .reason = read_text(object, "reason"),
                      .until = read_text(object, "until")};
  if (!is_date(allowance.until)) object["until"].fail("must be a date like 2026-12-31");
  return allowance;
}

Tolerance read_tolerance(const JsonReader& object) {
  object.check_keys(kToleranceKeys);
  if (!object.has("effect")) object.fail("needs the key \"effect\"");
  const JsonReader effect = object["effect"];
  return {.rows = read_filter(object), .effect = check_effect(effect.positive_number(), effect.where())};
}

}  // namespace

std::vector<Verdict> parse_verdicts(std::span<const std::string> words, std::string_view where) {
  std::vector<Verdict> verdicts;
  for (const std::string& word : words) {
    const std::optional<Verdict> verdict = parse_word<Verdict>(word);
    if (!verdict) {
      throw UsageError(
          fmt::format("{}: unknown verdict \"{}\"{}", where, word, suggestion(word, kVerdictWords)));
    }
    verdicts.push_back(*verdict);
  }
  return verdicts;
}

double check_effect(double effect, std::string_view where) {
  if (!(effect > 0 && effect <= 1)) {
    throw UsageError(fmt::format("{}: {} is out of range, an effect is above 0 and at most 1 (0.02 is 2 %)",
                                 where, effect));
  }
  return effect;
}

void policy_from_json(const JsonReader& root, ComparePolicy& policy) {
  root.check_keys(kRootKeys);
  if (root.has("smallest_effect")) {
    const JsonReader effect = root["smallest_effect"];
    policy.smallest_effect = check_effect(effect.positive_number(), effect.where());
  }
  if (root.has("fail_on")) {
    std::vector<std::string> words;
    for (const JsonReader& word : root["fail_on"].zero_or_more()) words.push_back(word.string());
    policy.fail_on = parse_verdicts(words, root["fail_on"].where());
  }
  if (root.has("tolerances")) {
    for (const JsonReader& entry : root["tolerances"].zero_or_more()) {
      policy.tolerances.push_back(read_tolerance(entry));
    }
  }
  if (root.has("allowed")) {
    for (const JsonReader& entry : root["allowed"].zero_or_more()) {
      policy.allowed.push_back(read_allowance(entry));
    }
  }
}

void read_policy(const std::filesystem::path& path, ComparePolicy& policy) {
  const JsonDocument document = read_json_document(path);
  policy_from_json(JsonReader(document), policy);
}

}  // namespace flashcore
