// Sweeps one problem: checks its candidates, searches them, and times the candidates that tie for the best
// again.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "run/run.hpp"
#include "tune/searcher.hpp"
#include "tune/space.hpp"

namespace flashcore {

struct SweepPolicy {
  RunPolicy run;  // check, measure, seed; every candidate is checked
  SearchKind search = SearchKind::race;
};

// A record from the journal of an interrupted sweep.
struct KnownRecord {
  Record record;
  bool finalist = false;
  std::optional<double> dropped_at = {};
  bool is_default = false;  // Contender::is_default
};

struct SweptProblem {
  std::vector<Contender> contenders;  // in the order of the problem's candidates
  double measuring_s = 0;             // seconds spent on samples
  double final_s = 0;                 // of these, on the finalists
  bool interrupted = false;
};

// `completed` receives contenders whose records have become final, all finalists in one call. `doing`
// receives texts for the progress line.
struct SweepEvents {
  std::function<void(std::span<const Contender* const>)> completed;
  std::function<void(std::string_view doing)> doing;
};

// The indices of the winner and of the finalists that tie with it, in the order of their medians. Empty if no
// finalist is correct.
std::vector<std::size_t> winners(std::span<const Contender> contenders, const MeasurePolicy& policy);

// Contenders with a known record keep it and are not run again. `budget_s` limits the search; the final round
// follows the policy's stopping rule. A candidate that is incorrect or fails becomes a record with that
// status.
SweptProblem sweep_problem(const ProblemSpace& space, std::span<const KnownRecord> known,
                           const SweepPolicy& policy, double budget_s, Executor& executor,
                           TelemetrySampler* telemetry, const SweepEvents& events);

}  // namespace flashcore
