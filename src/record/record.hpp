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
#include "base/words.hpp"
#include "record/roofline.hpp"
#include "record/telemetry.hpp"
#include "record/timing_mode.hpp"
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
inline constexpr std::string_view kCheckDepthWords[] = {"quick", "standard", "deep"};
constexpr Words words(CheckDepth) { return kCheckDepthWords; }

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
  double unfused_max_abs = 0;  // errors of an unfused attention in the same dtype; "yardstick" in files
  double unfused_rel_l2 = 0;
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
  double request_share = 1;  // the largest share of a request's time that its sample accounts for; in no file
};

struct Record {
  Problem problem;
  std::string family;
  VariantSpec spec;
  Backend backend = Backend::cpu;
  Role role = Role::ladder;
  Status status = Status::error;
  std::string reason;
  std::optional<Check> check;
  PerMode<std::optional<Timing>> timings;
  std::optional<double> tflops;           // by the FLOP convention, at the median of headline()
  std::optional<double> peak_tflops;      // dense, at the SM clock of that timing, else at the boost clock
  std::optional<double> percent_of_peak;  // tflops over peak_tflops
  std::optional<Roofline> roofline;       // from measured ceilings
  std::optional<Resources> resources;
  std::optional<TelemetrySummary> telemetry;  // while this record was timed
  std::optional<double> energy_per_call_j;    // of back-to-back launches
  std::string code_hash;                      // of the kernel's machine code; empty where there is none

  std::string variant_id() const { return flashcore::variant_id(family, spec); }
  void drop_timings() {
    timings = {};
    tflops.reset();
    peak_tflops.reset();
    percent_of_peak.reset();
    roofline.reset();
    telemetry.reset();
    energy_per_call_j.reset();
  }
  void fail_check(std::string what) {
    if (check) {
      check->passed = false;
      check->reason = what;
    }
    fail(Status::incorrect, std::move(what));
  }
  // What failed has no times.
  void fail(Status why, std::string what) {
    status = why;
    reason = std::move(what);
    drop_timings();
  }
  // The timing that tables, speed-ups and tflops speak of: the first that was taken, in the order of the modes.
  const Timing* headline() const {
    for (const TimingMode mode : kAll<TimingMode>) {
      if (const auto& taken = timings[mode]) return &*taken;
    }
    return nullptr;
  }
  // The timing that the roofline is held against: cold inputs where they were timed, since the memory floor is theirs.
  const Timing* roofline_timing() const {
    const auto& cold = timings[TimingMode::cold];
    return cold ? &*cold : headline();
  }
};

}  // namespace flashcore
