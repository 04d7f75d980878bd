// A record: one variant on one problem, its status, check, timings and resources. The only thing that
// persists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attention/problem.hpp"
#include "base/status.hpp"
#include "record/roofline.hpp"
#include "record/telemetry.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// Errors of an output against the FP32 reference.
struct ErrorNorms {
  double max_abs = 0;
  double mean_abs = 0;
  double rel_l2 = 0;  // ‖out − ref‖₂ / ‖ref‖₂, or ‖out‖₂ when the reference is zero
  std::int64_t nonfinite = 0;     // elements that are not finite where the reference is
  std::int64_t worst_index = -1;  // flat index in [batch, heads_q, seq_q, head_dim] of the largest error
  double reference_rms = 0;       // root mean square of the reference; not part of a record's file
};

// How thoroughly a variant is checked; /checking.md says what each level launches.
enum class CheckDepth : int { quick, standard, deep };

inline constexpr CheckDepth kAllCheckDepths[] = {CheckDepth::quick, CheckDepth::standard, CheckDepth::deep};

constexpr std::string_view to_string(CheckDepth depth) {
  switch (depth) {
    case CheckDepth::quick:
      return "quick";
    case CheckDepth::standard:
      return "standard";
    case CheckDepth::deep:
      return "deep";
  }
  return "?";
}

struct CheckLimit {
  double max_abs = 0;
  double rel_l2 = 0;
  double lse_max_abs = 0;
};

// Errors, limits and counts are those of the record's own problem. A deep check may fail in one of its cases,
// which `reason` then names.
struct Check {
  CheckDepth depth = CheckDepth::standard;
  std::int64_t cases = 0;  // further problems and inputs that were tried, deep alone
  ErrorNorms error;
  CheckLimit limit;
  double yardstick_max_abs = 0;  // the unfused same-dtype attention's own errors
  double yardstick_rel_l2 = 0;
  std::optional<double> lse_max_abs;  // error of the log-sum-exp output, when asked for
  std::int64_t unwritten = 0;         // elements of O and log-sum-exp still poisoned
  std::int64_t out_of_bounds = 0;     // elements changed in gaps and guards
  bool passed = false;
  std::string reason;  // why it did not pass
};

// Samples of one clock in microseconds, with their order statistics.
struct Timing {
  double median = 0;
  double p10 = 0;
  double p90 = 0;
  double ci95_low = 0;  // 95 % interval of the median, by order statistics
  double ci95_high = 0;
  std::vector<double> samples;
  std::vector<double> sm_clock_mhz;    // as read nearest to each sample; empty where no clock can be read
  std::int64_t throttled_samples = 0;  // taken while something slowed the clocks down
  std::optional<double> cycles;        // median of sample · clock
};

// The three clocks: what each means stands in execute/executor.hpp.
enum class Clock : int { hot, cold, call };

inline constexpr Clock kAllClocks[] = {Clock::hot, Clock::cold, Clock::call};

constexpr std::string_view to_string(Clock clock) {
  switch (clock) {
    case Clock::hot:
      return "hot";
    case Clock::cold:
      return "cold";
    case Clock::call:
      return "call";
  }
  return "?";
}

struct Record {
  Problem problem;
  std::string family;
  VariantSpec spec;
  Backend backend = Backend::cpu;
  Status status = Status::error;
  std::string reason;
  std::optional<Check> check;
  std::optional<Timing> hot_us;
  std::optional<Timing> cold_us;
  std::optional<Timing> call_us;
  std::optional<double> tflops;  // by the FLOP convention, at the median of hot_us (else cold_us, call_us)
  std::optional<double> peak_tflops;      // dense, at the SM clock of that timing, else at the boost clock
  std::optional<double> percent_of_peak;  // tflops over peak_tflops
  std::optional<Roofline> roofline;       // from measured ceilings
  std::optional<Resources> resources;
  std::optional<TelemetrySummary> telemetry;  // while this record was timed
  std::optional<double> energy_per_call_j;    // of back-to-back launches
  std::string code_hash;                      // of the kernel's machine code; empty where there is none

  std::string variant_id() const { return flashcore::variant_id(family, spec); }
  std::optional<Timing>& timing(Clock clock) {
    return clock == Clock::hot ? hot_us : clock == Clock::cold ? cold_us : call_us;
  }
  const std::optional<Timing>& timing(Clock clock) const { return const_cast<Record*>(this)->timing(clock); }
  void drop_timings() {
    hot_us.reset();
    cold_us.reset();
    call_us.reset();
    tflops.reset();
    peak_tflops.reset();
    percent_of_peak.reset();
    roofline.reset();
    telemetry.reset();
    energy_per_call_j.reset();
  }
  // What failed has no times.
  void fail(Status why, std::string what) {
    status = why;
    reason = std::move(what);
    drop_timings();
  }
  // The timing that tables, speed-ups and tflops speak of: the first that was taken of hot, cold, call.
  const Timing* headline() const {
    for (Clock clock : kAllClocks) {
      if (const auto& taken = timing(clock)) return &*taken;
    }
    return nullptr;
  }
  // The timing that the roofline is held against: that of cold inputs where it was taken, since the memory
  // floor is theirs.
  const Timing* roofline_timing() const { return cold_us ? &*cold_us : headline(); }
};

}  // namespace flashcore
