// The result of a comparison: verdicts of rows, of families and of all rows together, and one outcome.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "compare/match.hpp"
#include "compare/policy.hpp"

namespace flashcore {

// new / base of a time: above 1 is slower.
struct Ratio {
  double value = 1;
  double low = 1;  // the interval at the level of `slower`
  double high = 1;
};

struct RowVerdict {
  Problem problem;
  std::string family;
  std::string variant;
  Verdict verdict = Verdict::same;
  std::string note;  // the reason, if the times do not show it
  std::optional<TimingMode> mode;
  std::optional<double> base_us;  // median; the geometric mean over runs
  std::optional<double> new_us;
  std::optional<Ratio> ratio;  // the drift is subtracted
  double tolerance = kSmallestEffect;
  bool same_code = false;
  std::string allowed;  // the reason of the allowance that covers it, or empty
  bool fails = false;   // makes the outcome a regression
};

// Several rows together, by the median of their log ratios.
struct ScopeVerdict {
  std::string name;  // "all rows", or a family
  std::size_t rows = 0;
  Verdict verdict = Verdict::same;
  Ratio ratio;
  bool fails = false;
};

// The common change of rows with unchanged code: of those whose clocks the power limit reduced, or of the others.
struct Drift {
  bool at_limit = false;
  double ratio = 1;
  std::size_t controls = 0;
};

enum class Outcome : int { fine, regression, cannot_tell };
inline constexpr std::string_view kOutcomeWords[] = {"fine", "regression", "cannot_tell"};
constexpr Words words(Outcome) { return kOutcomeWords; }

struct Comparison {
  std::vector<std::string> differences;  // of the environments, one line each
  std::vector<RowVerdict> rows;
  std::vector<ScopeVerdict> scopes;
  std::vector<Allowance> expired;
  std::vector<Drift> drifts;  // one for each state that has enough rows of unchanged code
  NoiseModel noise;
  Outcome outcome = Outcome::fine;
  std::vector<std::string> reasons;  // of the outcome

  std::size_t count(Verdict verdict) const;
  ExitCode exit_code() const;
};

// Compares by the rule in compare/rule.hpp. Rows that neither side could run are left out. Throws nothing:
// without a row that both sides timed, or with differences under policy.strict, the outcome is cannot_tell.
Comparison compare_runs(const Runs& base, const Runs& next, const ComparePolicy& policy,
                        std::vector<std::string> differences = {});

}  // namespace flashcore
