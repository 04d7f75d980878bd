// The run: every selected variant on every problem, checked, then measured in interleaved rounds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conclude/caveats.hpp"
#include "execute/executor.hpp"
#include "record/record.hpp"
#include "run/policy.hpp"
#include "run/sink.hpp"

namespace flashcore {

// Receives progress for a line on the terminal. `done` and `total` count (problem, variant) pairs.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void update(std::int64_t done, std::int64_t total, std::string_view doing) = 0;
  virtual void begin_problem(std::string_view) {}  // receives a text for people
};

struct RunSummary {
  std::int64_t ok = 0;
  std::int64_t incorrect = 0;
  std::int64_t suspect = 0;
  std::int64_t unsupported = 0;
  std::int64_t failed = 0;  // crashed, timeout, out_of_memory, error
  Caveats caveats;
  std::optional<double>
      sufficient_budget_s;  // sufficient_budget_s(); empty if the times of samples are not known
  bool interrupted = false;
};

// A variant that was chosen for one problem, and the rule that chose it.
struct Pick {
  const Variant* variant = nullptr;
  std::string reason;  // the record's reason, if the pick does not fail
};

// Gives every sink one record per problem and variant, in the order of the problems, then in the order of
// `variants`. The variants of a problem are compiled_for() (registry/supports.hpp). An incorrect or failing
// variant is a record, never an exception. An Error ends the run. Unless the check is quick, timed variants
// are checked again: with poisoned outputs, for being faster on inputs that they have seen before, and for a
// clock that disagrees with this program's. `picks` is empty or has one pick per problem, which comes before
// the other variants.
RunSummary run(std::span<const Problem> problems, std::span<const Variant* const> variants,
               const RunPolicy& policy, Executor& executor, std::span<Sink* const> sinks, Progress& progress,
               std::span<const Pick> picks = {});

}  // namespace flashcore
