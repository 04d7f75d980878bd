// The sweep of one problem: its candidates are checked, searched, and those that tie for the best timed
// afresh.
#pragma once

#include <functional>
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
  RunPolicy run;  // check, measuring, seed; every candidate is checked
  SearchKind search = SearchKind::race;
};

// A record of an earlier session.
struct KnownRecord {
  Record record;
  bool finalist = false;
};

struct SweptProblem {
  std::vector<Contender> contenders;  // as the candidates of the problem's space
  double measuring_s = 0;             // spent on samples
  bool interrupted = false;
};

// Told of contenders as their records become final, finalists all at once; and of what is being done.
struct SweepEvents {
  std::function<void(std::span<const Contender* const>)> settled;
  std::function<void(std::string_view doing)> doing;
};

// Of finalists, the winner and those that tie with it, by their fresh times; the best first, as indices.
// Empty when no finalist is left that is right.
std::vector<std::size_t> winners(std::span<const Contender> contenders, const MeasurePolicy& policy);

// Contenders with a known record keep it and are not run again. `budget_s` is for searching: the final round
// takes what it needs, by the policy's stopping rule. An incorrect or failing candidate is a record.
SweptProblem sweep_problem(const ProblemSpace& space, std::span<const KnownRecord> known,
                           const SweepPolicy& policy, double budget_s, Executor& executor,
                           TelemetrySampler* telemetry, const SweepEvents& events);

}  // namespace flashcore
