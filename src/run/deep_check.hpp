// What a deep check adds to a standard one: cases, and repeats. docs/checking.md lists them with their cost.
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

// How one variant stood the cases.
struct CaseOutcome {
  Status status = Status::ok;
  std::string reason;                // names the first case that failed
  std::int64_t tried = 0;            // cases that the variant supports, up to that one
  std::vector<std::string> skipped;  // the others, "name: why not", up to that one
};

// Runs every case that a variant supports, without the log-sum-exp where it supports the case so alone, case by case over all variants, so that each reference is made
// once. Leaves another problem prepared than the executor had. `tell` hears each case's name. Ends early,
// with what is known by then, when an interrupt is requested.
std::vector<CaseOutcome> run_cases(const Problem& problem, std::span<const Variant* const> variants,
                                   const CheckPolicy& policy, std::uint64_t seed, Executor& executor,
                                   const std::function<void(std::string_view)>& tell);

// Carries an outcome into a record that was examined on its own problem. A record that was
// tried on fewer than half of its cases does not pass.
void apply(const CaseOutcome& outcome, Record& record);

// Launches of the record's own problem that a deep check compares bit by bit with the first.
inline constexpr int kRepeats = 4;

// Verifies the prepared problem kRepeats times more: why the outputs are not all the same and right, or
// nothing. The outputs hold what the variant wrote.
std::string find_difference(const Variant& variant, const CheckPolicy& policy, Executor& executor);

}  // namespace flashcore
