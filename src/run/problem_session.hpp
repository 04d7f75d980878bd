// One problem on one executor, from inputs to final records: the steps that run and tune share.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string_view>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/energy.hpp"
#include "measure/measure.hpp"
#include "record/record.hpp"
#include "run/deep_check.hpp"
#include "run/policy.hpp"

namespace flashcore {

struct SessionEvents {
  std::function<void(std::string_view doing)> doing = [](std::string_view) {};
  // Receives records that are final, one or more in a call.
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

  // A new record of the variant on this problem, without results.
  Record new_record(const Variant& variant) const;

  // Makes inputs and reference. A deep check first tries the cases of run/deep_check.hpp on the variants.
  // Returns false if this problem cannot be prepared: the records of `waiting` then get the failure's status
  // and are emitted. Throws EnvironmentError if the device itself has failed.
  bool prepare(std::span<const Variant* const> variants, std::span<Record* const> waiting);

  // Makes the inputs again, after another problem was prepared. Returns false if they do not fit into memory any more.
  // Throws EnvironmentError if the device itself has failed.
  bool prepare_again();

  // The check before timing. Fills in all of the record except the timings. A failure becomes the record's
  // status.
  void check(const Variant& variant, Record& record);

  // `candidates` and `policy` must outlive the result.
  Measurement measurement(std::span<Candidate> candidates, const MeasurePolicy& policy, std::uint64_t seed,
                          int visits = 1);

  // Times the candidates in turns, in one visit. Returns the seconds spent on samples.
  double measure(std::span<Candidate> candidates, const MeasurePolicy& policy, std::uint64_t seed,
                 double budget_s, const std::function<void(TimingMode, int round)>& on_round);

  // Measures the energy of the candidates (measure/energy.hpp). Throws EnvironmentError without telemetry. Returns the
  // seconds that it took.
  double measure_energy(std::span<Candidate> candidates, const EnergyPolicy& policy, std::uint64_t seed,
                        const std::function<void(int round)>& on_round);

  // check_after_timing(), and a check that the device can reach the times. A failed record loses its times.
  void recheck(const Variant& variant, Record& record);

  // Adds the rates to the records and emits them.
  void emit(std::span<Record* const> records);

 private:
  void take_notes(const Variant& variant, Record& record);

  const Problem& problem_;
  const RunPolicy& policy_;
  Executor& executor_;
  TelemetrySampler* telemetry_;
  SessionEvents events_;
  std::map<const Variant*, CaseOutcome> cases_;  // of a deep check
};

}  // namespace flashcore
