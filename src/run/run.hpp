// The run: every selected variant on every problem, checked, then measured in interleaved rounds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "execute/executor.hpp"
#include "record/record.hpp"
#include "run/policy.hpp"
#include "run/sink.hpp"

namespace flashcore {

// Told of progress, for a line on the terminal; done and total count (problem, variant) pairs.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void update(std::int64_t done, std::int64_t total, std::string_view doing) = 0;
};

struct RunSummary {
  std::int64_t ok = 0;
  std::int64_t incorrect = 0;
  std::int64_t suspect = 0;
  std::int64_t unsupported = 0;
  std::int64_t failed = 0;  // crashed, timeout, out_of_memory, error
  std::int64_t timed = 0;
  std::int64_t clocks_wandered = 0;    // timed records whose SM clock moved by more than 5 % between samples
  std::int64_t throttled = 0;          // timed records with samples taken while the clocks were held down
  std::uint64_t throttle_reasons = 0;  // of those, as ThrottleReason bits
  bool interrupted = false;
};

// A variant that was chosen for one problem, and by what rule.
struct Pick {
  const Variant* variant = nullptr;
  std::string reason;  // goes into the record of a pick that is right
};

// Gives every sink one record per problem and variant: the variants of registry/supports.hpp's compiled_for(), in
// problem order, then in the order of `variants`. An incorrect or failing variant is a record, never an exception; an
// Error ends the run. Unless the check is quick, timed variants are checked again: with poisoned outputs, with negated
// values, and for being faster when the output is already there. `picks` is empty or has one per problem, which comes
// before the other variants.
RunSummary run(std::span<const Problem> problems, std::span<const Variant* const> variants,
               const RunPolicy& policy, Executor& executor, std::span<Sink* const> sinks, Progress& progress,
               std::span<const Pick> picks = {});

}  // namespace flashcore
