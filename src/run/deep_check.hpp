// What a deep check adds to a standard one: cases, which are small problems and inputs on which kernels tend
// to break, and repeats. checking.md in this folder lists them with their cost.
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
#include "kernels/common/inputs.hpp"
#include "record/record.hpp"

namespace flashcore {

// One small problem with its inputs, and a name that stands in reasons.
struct CheckCase {
  std::string name;
  Problem problem;
  kernels::InputKind inputs = kernels::InputKind::normal;
  std::uint64_t seed = 0;
};

// The cases of every variant on this problem: its dtype, head_dim, head group, mask and soft cap on small
// sizes, with adversarial and non-finite inputs, fully masked rows, gaps in memory and further seeds.
std::vector<CheckCase> common_cases(const Problem& problem, std::uint64_t seed);

// Lengths of 1 and of one more and one less than a tile, for queries and keys in every combination.
std::vector<CheckCase> edge_cases(const Problem& problem, const Tile& tile, std::uint64_t seed);

// How one variant stood the cases.
struct CaseOutcome {
  Status status = Status::ok;
  std::string reason;      // names the first case that failed
  std::int64_t tried = 0;  // cases that the variant supports, up to that one
};

// Runs every case that a variant supports, case by case over all variants, so that each reference is made
// once. Leaves another problem prepared than the executor had. `tell` hears each case's name. Ends early,
// with what is known by then, when an interrupt is requested.
std::vector<CaseOutcome> run_cases(const Problem& problem, std::span<const Variant* const> variants,
                                   const CheckPolicy& policy, std::uint64_t seed, Executor& executor,
                                   const std::function<void(std::string_view)>& tell);

// Carries an outcome into a record that was examined on its own problem.
void apply(const CaseOutcome& outcome, Record& record);

// Launches of the record's own problem that a deep check compares bit by bit with the first.
inline constexpr int kRepeats = 4;

// Verifies the prepared problem kRepeats times more: why the outputs are not all the same and right, or
// nothing. The outputs hold what the variant wrote.
std::string find_difference(const Variant& variant, const CheckPolicy& policy, Executor& executor);

}  // namespace flashcore
