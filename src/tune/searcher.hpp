// Search strategies: which candidates of a problem are measured next, in which turns, and when to stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "check/policy.hpp"
#include "config/tune_policy.hpp"
#include "measure/policy.hpp"
#include "record/record.hpp"

namespace flashcore {

// A variant on the problem being tuned, and all that is known of it.
struct Contender {
  const Variant* variant = nullptr;
  Record record;          // of each clock the timing that was taken last
  bool settled = false;   // the record is final: wrong, dropped, or a finalist's
  bool finalist = false;  // timed in the last, fresh round
};

// What a searcher wants next.
struct Proposal {
  std::vector<std::size_t> measured;  // contenders to be measured in turns; empty: nothing is left to measure
  std::vector<std::size_t> dropped;   // need not be measured again
  MeasurePolicy policy = {};
  std::string_view stage = {};  // a few words for the progress line
  bool final = false;           // the last round: `measured` are the finalists, their fresh times decide
};

// One search over the contenders of one problem. What is proposed is measured, the searcher sees the
// contenders again, and so on until its final round.
class Searcher {
 public:
  virtual ~Searcher() = default;
  // `time_left` is false once the time for searching is spent: the proposal is then final.
  virtual Proposal propose(std::span<const Contender> contenders, bool time_left) = 0;
};

// The clock that decides: the first of hot, cold, call that the policy takes.
TimingMode objective_mode(const MeasurePolicy& policy);
MeasurePolicy with_objective_mode(MeasurePolicy policy);  // and no other

// exhaustive measures all in turns by the policy's stopping rule, random does so in groups drawn in random
// order until the time is spent, race is described in tune/race.hpp. All end with a fresh round of those that
// tie for the best.
std::unique_ptr<Searcher> make_searcher(SearchKind kind, const MeasurePolicy& policy, std::uint64_t seed);

// The final round of those that tie for the best among the open contenders that were timed; what was timed
// and does not tie is dropped.
Proposal final_round(std::span<const Contender> contenders, const MeasurePolicy& policy);

// Contenders that may still win: ok, and not settled.
std::vector<std::size_t> open_contenders(std::span<const Contender> contenders);

// The contenders among `among` that cannot be told from the best of them, the best first, then by median: the
// 95 % intervals of the medians overlap, or the medians differ by at most relative_width, which is what
// measuring was asked to resolve. Those without a timing of the clock are left out.
std::vector<std::size_t> tie_set(std::span<const Contender> contenders, std::span<const std::size_t> among,
                                 TimingMode mode, double relative_width);

}  // namespace flashcore
