// The cases and repeats of a deep check, which a standard check does not have. docs/checking.md lists them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attention/problem.hpp"
#include "check/policy.hpp"
#include "execute/executor.hpp"
#include "record/record.hpp"
#include "run/check_cases.hpp"

namespace flashcore {

// The outcome of the cases for one variant.
struct CaseOutcome {
  Status status = Status::ok;
  std::string reason;                // names the first case that failed
  std::int64_t tried = 0;            // cases that ran, up to and including the first failure
  std::vector<std::string> skipped;  // cases that the variant cannot run, "name: reason"
};

// Runs every case that a variant supports. A variant that supports a case only without the log-sum-exp runs
// it without. Each case runs on all of its variants before the next case, so that its reference is made once.
// Afterwards the executor has another problem prepared. `tell` receives the name of each case. An interrupt
// ends the cases early; the outcomes then cover the cases so far.
std::vector<CaseOutcome> run_cases(const Problem& problem, std::span<const Variant* const> variants,
                                   const CheckPolicy& policy, std::uint64_t seed, Executor& executor,
                                   const std::function<void(std::string_view)>& tell);

// Enters an outcome into a record that was checked on its own problem. A record does not pass if fewer than
// half of its cases could run.
void apply(const CaseOutcome& outcome, Record& record);

// Repeated launches on the record's own problem, which a deep check compares bit by bit with the first.
inline constexpr int kRepeats = 4;

// Verifies the prepared problem kRepeats more times. Returns the reason if an output is wrong or differs from
// the first, or else an empty text. The output buffers must hold an output of the variant.
std::string find_difference(const Variant& variant, const CheckPolicy& policy, Executor& executor);

}  // namespace flashcore
