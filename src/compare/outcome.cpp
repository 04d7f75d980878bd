#include "compare/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace flashcore {
namespace {

std::string counted_rows(std::size_t count) { return fmt::format("{} row{}", count, count == 1 ? "" : "s"); }

void add_expired(Comparison& comparison, const ComparePolicy& policy) {
  for (const Allowance& allowance : policy.allowed) {
    if (allowance.until >= policy.today) continue;
    comparison.expired.push_back(allowance);
    comparison.reasons.push_back(fmt::format("the allowance for {} on {} ended on {}", allowance.rows.variant,
                                             allowance.rows.problem, allowance.until));
  }
}

void add_failures(Comparison& comparison) {
  for (const ScopeVerdict& scope : comparison.scopes) {
    if (scope.fails) {
      comparison.reasons.push_back(fmt::format("{}: slower, {}", scope.name, percent(scope.ratio.value)));
    }
  }
  for (const Verdict verdict : kAll<Verdict>) {
    const auto failing = std::ranges::count_if(
        comparison.rows, [&](const RowVerdict& row) { return row.fails && row.verdict == verdict; });
    if (failing == 0) continue;
    comparison.reasons.push_back(
        fmt::format("{} {}", counted_rows(static_cast<std::size_t>(failing)), to_string(verdict)));
  }
}

}  // namespace

void apply_policy(RowVerdict& row, const ComparePolicy& policy) {
  row.fails = policy.fails_on(row.verdict);
  for (const Allowance& allowance : policy.allowed) {
    if (allowance.until < policy.today || !allowance.rows.matches(row.problem, row.variant)) continue;
    row.allowed = allowance.reason;
    row.fails = false;
  }
}

void set_outcome(Comparison& comparison, const ComparePolicy& policy) {
  add_expired(comparison, policy);
  add_failures(comparison);
  const auto is_timed = [](const RowVerdict& row) { return row.ratio.has_value(); };
  if (policy.strict && !comparison.differences.empty()) {
    comparison.outcome = Outcome::cannot_tell;
    comparison.reasons = {"the environments differ, and --strict needs equal ones"};
  } else if (!comparison.reasons.empty()) {
    comparison.outcome = Outcome::regression;
  } else if (std::ranges::none_of(comparison.rows, is_timed)) {
    comparison.outcome = Outcome::cannot_tell;
    comparison.reasons = {"no row was timed on both sides"};
  } else if (const std::size_t unclear = comparison.count(Verdict::unclear); unclear > 0) {
    comparison.outcome = Outcome::cannot_tell;
    comparison.reasons = {counted_rows(unclear) +
                          " unclear; repeat the runs, several files a side are taken together"};
  }
}

std::size_t Comparison::count(Verdict verdict) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows, [&](const RowVerdict& row) { return row.verdict == verdict; }));
}

ExitCode Comparison::exit_code() const {
  constexpr ExitCode kCodes[] = {ExitCode::ok, ExitCode::failed_check, ExitCode::cannot_tell};
  return kCodes[static_cast<std::size_t>(outcome)];
}

}  // namespace flashcore
