// One problem on one executor, from inputs to final records: the steps that run, tune and live comparisons share.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string_view>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/measure.hpp"
#include "record/record.hpp"
#include "run/deep_check.hpp"
#include "run/policy.hpp"

namespace flashcore {

struct SessionEvents {
  std::function<void(std::string_view doing)> doing = [](std::string_view) {};
  // Records that are final, all at once where they were timed together.
  std::function<void(std::span<Record* const>)> emitted = [](std::span<Record* const>) {};
};

class ProblemSession {
 public:
  // `telemetry` may be null. All references must outlive the session.
  ProblemSession(const Problem& problem, const RunPolicy& policy, Executor& executor,
                 TelemetrySampler* telemetry, SessionEvents events)
      : problem_(problem),
        policy_(policy),
        executor_(executor),
        telemetry_(telemetry),
        events_(std::move(events)) {}

  // A record of the variant on this problem, with nothing known yet.
  Record new_record(const Variant& variant) const;

  // Makes inputs and reference. With a deep check, tries the cases of run/deep_check.hpp on the variants first. False
  // when this problem cannot be prepared: `waiting` then have that status and are emitted. Throws what is wrong with
  // the device itself.
  bool prepare(std::span<const Variant* const> variants, std::span<Record* const> waiting);

  // The check before timing: fills in everything but the timings. A failure becomes the record's status.
  void check(const Variant& variant, Record& record);

  // Times the candidates in turns. Returns the seconds that samples took.
  double measure(std::span<Candidate> candidates, const MeasurePolicy& policy, std::uint64_t seed,
                 double budget_s, const std::function<void(TimingMode, int round)>& on_round);

  // The check after timing, which a quick one leaves out; a record that fails it loses its times.
  void recheck(const Variant& variant, Record& record);

  // Completes the records and passes them on.
  void emit(std::span<Record* const> records);

 private:
  const Problem& problem_;
  const RunPolicy& policy_;
  Executor& executor_;
  TelemetrySampler* telemetry_;
  SessionEvents events_;
  std::map<const Variant*, CaseOutcome> cases_;  // of a deep check
};

}  // namespace flashcore
