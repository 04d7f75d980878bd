#include "compare/policy.hpp"

#include <algorithm>

#include "attention/problem_fields.hpp"
#include "base/names.hpp"

namespace flashcore {

bool RowFilter::matches(const Problem& of_problem, std::string_view of_variant) const {
  return (glob_match(problem, of_problem.name) || glob_match(problem, problem_id(of_problem))) &&
         glob_match(variant, of_variant);
}

double ComparePolicy::tolerance(const Problem& problem, std::string_view variant) const {
  double effect = smallest_effect;
  for (const Tolerance& tolerance : tolerances) {
    if (tolerance.rows.matches(problem, variant)) effect = tolerance.effect;
  }
  return effect;
}

bool ComparePolicy::fails_on(Verdict verdict) const { return std::ranges::count(fail_on, verdict) > 0; }

}  // namespace flashcore
