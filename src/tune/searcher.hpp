// Search strategies: which candidates of a problem to time next, and when to stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "check/policy.hpp"
#include "config/tune_policy.hpp"
#include "measure/policy.hpp"
#include "record/record.hpp"

namespace flashcore {

// A candidate with its record for the current problem.
struct Contender {
  const Variant* variant = nullptr;
  Record record;          // has the latest timing of each mode
  bool is_final = false;  // the record will not change: incorrect, failed, dropped, or a finalist
  bool finalist = false;  // timed in the final round
  std::optional<double> dropped_at =
      {};                   // of a candidate that the search dropped: its time over the best one's then
  bool is_default = false;  // it runs where no table applies
};

// The next step of a search.
struct Proposal {
  std::vector<std::size_t> measured;  // contenders to time in interleaved rounds; empty: the search is over
  std::vector<std::size_t> dropped;   // contenders that need no further timing
  MeasurePolicy policy = {};
  std::string_view stage = {};  // for the progress line
  bool final = false;           // the final round: `measured` are the finalists, and only these times decide
};

// The search over the contenders of one problem. propose() is called and its proposal is carried out until a
// proposal is final.
class Searcher {
 public:
  virtual ~Searcher() = default;
  // `time_left` is false after the time for the search is spent.
  virtual Proposal propose(std::span<const Contender> contenders, bool time_left) = 0;
};

// The timing mode that decides: the first one in the policy, in the order of TimingMode.
TimingMode objective_mode(const MeasurePolicy& policy);
// The policy with only this mode.
MeasurePolicy with_objective_mode(MeasurePolicy policy);

// exhaustive times all candidates in interleaved rounds by the policy's stopping rule. random does the same
// with groups in random order until the time is spent. For race see tune/race.hpp. Each search ends with a
// final round of the contenders that tie for the best.
std::unique_ptr<Searcher> make_searcher(SearchKind kind, const MeasurePolicy& policy, std::uint64_t seed);

// Proposes a final round with the timed open contenders that tie for the best, and drops the other timed
// ones.
Proposal final_round(std::span<const Contender> contenders, const MeasurePolicy& policy);

// The contenders that can still win: status ok and not final.
std::vector<std::size_t> open_contenders(std::span<const Contender> contenders);

// The contender's time over the winner's: of the final round, or of the round in which it was dropped, since times of
// different rounds cannot be compared. Nothing for one without such a time.
std::optional<double> ratio_to(const Record& winner, const Contender& contender, TimingMode mode);

// The contenders of `among` that tie with the best of them (are_tied()), in the order of their medians.
// Contenders without a timing in `mode` are left out.
std::vector<std::size_t> tie_set(std::span<const Contender> contenders, std::span<const std::size_t> among,
                                 TimingMode mode, double relative_width);

}  // namespace flashcore
