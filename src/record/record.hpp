// A record: the status, check, timings and resources of one variant on one problem. Result files consist of
// records.
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

// The errors of an output relative to the FP32 reference.
struct ErrorNorms {
  double max_abs = 0;
  double mean_abs = 0;
  double rel_l2 = 0;  // ‖out − ref‖₂ / ‖ref‖₂, or ‖out‖₂ if the reference is zero
  std::int64_t nonfinite = 0;     // elements that are not finite although the reference is
  std::int64_t worst_index = -1;  // flat index of the largest error in [batch, heads_q, seq_q, head_dim]
  double reference_rms = 0;       // root mean square of the reference; not written to files
};

// How thoroughly a variant is checked; docs/checking.md lists the launches of each depth.
enum class CheckDepth : int { quick, standard, deep };
inline constexpr std::string_view kCheckDepthWords[] = {"quick", "standard", "deep"};
constexpr Words words(CheckDepth) { return kCheckDepthWords; }

struct CheckLimit {
  double max_abs = 0;
  double rel_l2 = 0;
  double lse_max_abs = 0;
};

// Errors, limits and counts are from the record's own problem. If a deep check fails in one of its further
// cases, `reason` names the case.
struct Check {
  CheckDepth depth = CheckDepth::standard;
  std::int64_t cases = 0;  // further problems and inputs that were tried; only for CheckDepth::deep
  std::vector<std::string> skipped_cases;  // those that could not run: "name: why not"
  // Whether a sequence has the same bits in every company (check/batch_companies.hpp); absent if it was not tested.
  std::optional<bool> batch_invariant;
  std::string
      batch_variance;  // the first company in which they differ: "in chunks (149 queries, 331 keys)"; else empty
  ErrorNorms error;
  CheckLimit limit;
  double unfused_max_abs = 0;  // error of an unfused attention in the same dtype; "yardstick" in files
  double unfused_rel_l2 = 0;
  std::optional<double> lse_max_abs;  // error of the log-sum-exp output, if requested
  std::int64_t unwritten = 0;         // elements of O and log-sum-exp that still hold the poison value
  std::int64_t out_of_bounds = 0;     // changed elements in gaps and guards
  bool passed = false;
  std::string reason;  // why the check failed
};

// The samples of one timing mode and their statistics, in microseconds.
struct Timing {
  double median = 0;
  double p10 = 0;
  double p90 = 0;
  double ci95_low = 0;  // 95 % interval for the median of another run
  double ci95_high = 0;
  std::vector<double> samples;
  std::vector<double> sm_clock_mhz;  // SM clock of each sample, from the nearest reading; empty without NVML
  std::int64_t throttled_samples = 0;  // samples taken while the device was throttled
  std::optional<double> cycles;        // median of sample · SM clock
  // Seconds per sample, if clocks were held down and a sample is the mean of a block of turns; else 0.
  double block_s = 0;
  double sampled_s = 0;      // what taking its samples took, in seconds; in no file, and then 0
  double request_share = 1;  // the largest share of a request that its sample took, 0 to 1; in no file
};

// How the reason of a record begins whose variant "auto" chose; the rule follows.
inline constexpr std::string_view kAutoReason = "auto: ";

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
  std::optional<double> tflops;           // FLOPs by flops() / median of headline()
  std::optional<double> peak_tflops;      // dense peak at the SM clock of headline(), or at the boost clock
  std::optional<double> percent_of_peak;  // 100 · tflops / peak_tflops
  std::optional<Roofline> roofline;       // from measured ceilings
  std::optional<Resources> resources;
  std::optional<TelemetrySummary> telemetry;  // during the timing of this record
  std::optional<double> energy_per_call_j;    // the mean of energy_windows_j
  std::vector<double> energy_windows_j;       // joules per call of each window of back-to-back launches
  std::string
      direct_calls;   // why no CUDA graph was replayed in hot and cold; empty if one was, and on the CPU
  KernelNotes notes;  // of kernels that are compiled at run time
  std::vector<std::string> warnings;  // what else a reader of the timings must know
  std::string code_hash;              // hash of the kernel's machine code; empty if unknown

  std::string variant_id() const { return flashcore::variant_id(family, spec); }
  void drop_timings() {
    timings = {};
    tflops.reset();
    peak_tflops.reset();
    percent_of_peak.reset();
    roofline.reset();
    telemetry.reset();
    energy_per_call_j.reset();
    energy_windows_j.clear();
    direct_calls.clear();
    warnings.clear();
  }
  void fail_check(std::string why, Status failure = Status::incorrect) {
    if (check) {
      check->passed = false;
      check->reason = why;
    }
    fail(failure, std::move(why));
  }
  // A failed record has no timings.
  void fail(Status failure, std::string why) {
    status = failure;
    reason = std::move(why);
    drop_timings();
  }
  // The timing that tables, speed-ups and tflops use: the first mode that was timed, in the order of
  // TimingMode. Null if none was.
  const Timing* headline() const {
    const std::optional<TimingMode> mode = headline_mode();
    return mode ? &*timings[*mode] : nullptr;
  }
  std::optional<TimingMode> headline_mode() const {
    for (const TimingMode mode : kAll<TimingMode>) {
      if (timings[mode]) return mode;
    }
    return std::nullopt;
  }
  // The timing to compare with the roofline: cold if timed, because the memory floor assumes cold inputs.
  const Timing* roofline_timing() const {
    const auto& cold = timings[TimingMode::cold];
    return cold ? &*cold : headline();
  }
};

}  // namespace flashcore
