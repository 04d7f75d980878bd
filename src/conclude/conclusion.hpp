// What a run says: on each problem, by how much this project's fastest variant is faster than the baseline and than the
// fastest peer; over all problems, the geometric means.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conclude/advantage.hpp"
#include "conclude/caveats.hpp"
#include "conclude/weighted_total.hpp"
#include "measure/policy.hpp"
#include "record/ranking.hpp"
#include "record/record.hpp"

namespace flashcore {

// The fastest variant of this project (a ladder's or a plug-in's) beside one other.
struct Standing {
  std::string other;  // the id
  Advantage over;
  bool falls_short = false;  // one of the two timings does
};

// This project's fastest batch-invariant variant beside its fastest one.
struct InvarianceCost {
  std::string variant;   // the id
  Advantage of_fastest;  // the ratio is that variant's time over the fastest's; 1 if it is the fastest
  bool is_fastest = false;
  bool falls_short = false;  // one of the two timings does
};

struct ProblemConclusion {
  std::string problem;                 // its name
  std::string fastest;                 // the id of this project's fastest variant
  TimingMode mode = TimingMode::hot;   // whose times are compared
  std::vector<std::string> ties = {};  // this project's other variants that tie with it, by their medians
  bool has_named_baseline = true;      // false: the config names none, and the first timed row stands for it
  bool is_baseline = false;            // the fastest is the baseline itself
  bool baseline_is_peer = false;       // the baseline is the fastest peer, and only `baseline` is set
  std::optional<Standing> baseline = {};
  std::optional<Standing> peer = {};
  std::optional<InvarianceCost> invariance = {};  // where batch-invariant and other variants are timed

  // The standing beside the peer. Without a peer, the one beside the baseline. Null without either.
  const Standing* main() const;
};

struct Mean {
  Advantage over;
  std::size_t problems = 0;
  std::size_t won = 0;  // of these problems, by contest()
  std::size_t tied = 0;
  std::size_t lost = 0;
};

// Of records of one problem. The baseline is the first timed record that matches the glob; a tie is are_tied(). Only
// timings of the headline's mode are compared. Empty if no variant of this project is timed, or if there is nothing
// beside it.
std::optional<ProblemConclusion> conclude(std::span<const Record> records, std::string_view baseline,
                                          const MeasurePolicy& policy);

class Conclusion {
 public:
  Conclusion(std::string baseline, MeasurePolicy policy)
      : baseline_(std::move(baseline)), policy_(std::move(policy)) {}

  void add(std::span<const Record> records_of_one_problem);

  const std::vector<ProblemConclusion>& problems() const { return problems_; }
  const std::string& baseline() const { return baseline_; }
  const MeasurePolicy& policy() const { return policy_; }
  const Caveats& caveats() const { return caveats_; }
  const WeightedTotals& totals() const { return totals_; }
  const std::vector<std::string>& peers() const {
    return peers_;
  }  // families that were timed, by their names
  // A problem whose fastest variant is the baseline is tied.
  std::optional<Mean> over_baseline() const;
  std::optional<Mean> over_peer() const;
  // How much longer the fastest batch-invariant variant takes than the fastest.
  std::optional<Mean> of_invariance() const;

 private:
  std::string baseline_;
  MeasurePolicy policy_;
  std::vector<ProblemConclusion> problems_;
  std::vector<std::string> peers_;
  Caveats caveats_;
  WeightedTotals totals_;
};

// Of a result file. An empty `baseline` means the one that the config of the file names.
Conclusion conclude_file(const ProblemGroups& problems, const std::string& baseline, const Json& config);

}  // namespace flashcore
