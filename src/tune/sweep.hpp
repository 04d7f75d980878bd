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
#include "measure/energy.hpp"
#include "run/run.hpp"
#include "tune/objective.hpp"
#include "tune/searcher.hpp"
#include "tune/space.hpp"

namespace flashcore {

struct SweepPolicy {
  RunPolicy run;  // check, measure, seed; every candidate is checked
  SearchKind search = SearchKind::race;
  Objective objective = Objective::latency;
  // Of finalists, if the objective needs it; the budget is then that of a whole problem, and energy gets what is left of it.
  EnergyPolicy energy = {};
};

// With the length of energy windows from measure.energy_s, if the config has it.
SweepPolicy make_sweep_policy(const RunPolicy& run, const TunePolicy& tune);

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

// Contenders with a known record keep it and are not run again. `budget_s` limits the search; the final round
// follows the policy's stopping rule. Then the energy of the finalists is measured, if the objective needs it (the fastest
// kEnergyFinalists, tune/objective.hpp); `telemetry` must then have an energy counter. A candidate that is incorrect or fails
// becomes a record with that status.
SweptProblem sweep_problem(const ProblemSpace& space, std::span<const KnownRecord> known,
                           const SweepPolicy& policy, double budget_s, Executor& executor,
                           TelemetrySampler* telemetry, const SweepEvents& events);

}  // namespace flashcore
