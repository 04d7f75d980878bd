// Records of every kind, made by hand: what reports are tested with.
#pragma once

#include <string>
#include <vector>

#include "measure/statistics.hpp"
#include "record/record.hpp"

namespace flashcore::testing {

inline Problem sample_problem(std::string name = "seed") {
  return {.name = std::move(name),
          .batch = 1,
          .heads_q = 8,
          .heads_kv = 8,
          .seq_q = 512,
          .seq_kv = 512,
          .head_dim = 64,
          .dtype = Dtype::fp16,
          .scale = default_scale(64)};
}

inline Record sample_record(const Problem& problem, std::string family, Tile tile) {
  Record record;
  record.problem = problem;
  record.family = std::move(family);
  record.spec = {problem.dtype, static_cast<int>(problem.head_dim), tile};
  record.backend = Backend::cuda;
  return record;
}

inline Check sample_check(const ErrorNorms& error) {
  Check check;
  check.error = error;
  check.limit = {.max_abs = 1.3e-3, .rel_l2 = 5.2e-4};
  check.unfused_max_abs = 6.5e-4;
  check.unfused_rel_l2 = 2.6e-4;
  return check;
}

// Checked and timed: hot samples at 98, 99, 100, 101, 102 % of `hot_us`, cold a little and call well above.
inline Record ok_record(const Problem& problem, std::string family, Tile tile, double hot_us) {
  Record record = sample_record(problem, std::move(family), tile);
  record.status = Status::ok;
  record.check =
      sample_check({.max_abs = 6.1e-4, .mean_abs = 2.5e-5, .rel_l2 = 2.44e-4, .worst_index = 4464});
  record.check->passed = true;
  record.check->depth = CheckDepth::deep;
  record.check->cases = 26;
  const auto around = [](double us) { return make_timing({us * 1.01, us, us * 0.98, us * 1.02, us * 0.99}); };
  record.timings[TimingMode::hot] = around(hot_us);
  record.timings[TimingMode::cold] = around(hot_us * 1.0625);
  record.timings[TimingMode::call] = around(hot_us + 4.5);
  record.tflops = flops(problem) / hot_us / 1e6;
  record.resources = Resources{.registers = 128,
                               .static_smem_bytes = 1024,
                               .dynamic_smem_bytes = 27648,
                               .threads = tile.num_warps * 32,
                               .blocks_per_sm = 4,
                               .occupancy = 0.25,
                               .grid_blocks = 128,
                               .waves = 0.5};
  return record;
}

inline Record failed_record(const Problem& problem, std::string family, Tile tile, Status status,
                            std::string reason) {
  Record record = sample_record(problem, std::move(family), tile);
  record.status = status;
  record.reason = std::move(reason);
  return record;
}

inline Record incorrect_record(const Problem& problem, std::string family, Tile tile) {
  Record record = failed_record(problem, std::move(family), tile, Status::incorrect,
                                "max_abs is 7.87, the limit is 1.3e-3; worst at [0, 4, 37, 12]");
  record.check = sample_check({.max_abs = 7.87, .mean_abs = 0.31, .rel_l2 = 0.94, .worst_index = 133452});
  record.check->reason = record.reason;
  return record;
}

// What a device that reports everything adds to a timed record; a power cap held its clocks down.
inline void add_measurements(Record& record) {
  record.timings[TimingMode::hot]->sm_clock_mhz = {1980, 1965, 1755, 1740, 1980};
  record.timings[TimingMode::hot]->throttled_samples = 2;
  record.timings[TimingMode::hot]->cycles = 187657.5;
  record.timings[TimingMode::hot]->block_s = 0.5;
  record.peak_tflops = 1062.6;
  if (record.check) {
    record.check->batch_invariant = false;
    record.check->batch_variance = "in chunks (149 queries, 331 keys)";
  }
  record.roofline = Roofline{.flops = 5.37e8,
                             .bytes = 1.343e8,
                             .arithmetic_floor_us = 0.875,
                             .exponential_floor_us = 0.5,
                             .memory_floor_us = 48.25,
                             .limit = Limit::memory};
  record.telemetry = TelemetrySummary{.readings = 12,
                                      .sm_clock_mhz = ClockRange{.min = 1740, .median = 1965, .max = 1980},
                                      .mem_clock_mhz = 2619,
                                      .power_w_mean = 652.5,
                                      .power_w_max = 701.25,
                                      .temperature_c_max = 61,
                                      .energy_j = 84.5,
                                      .throttle_reasons = kSwPowerCap | kHwThermalSlowdown | 0x600,
                                      .company = 3};
  record.energy_per_call_j = 0.0625;
  record.energy_windows_j = {0.0624, 0.0625, 0.0626};
  record.code_hash = "00f0a1b2c3d4e5f6";
}

// Two problems; every status that a run on one device can give.
inline std::vector<Record> sample_records() {
  const Problem seed = sample_problem();
  std::vector<Record> records = {
      ok_record(seed, "scalar", {4, 8, 4, 1}, 412.5),
      ok_record(seed, "wmma", {32, 32, 4, 1}, 61.25),
      incorrect_record(seed, "wmma", {64, 32, 4, 1}),
      ok_record(seed, "wmma_async", {64, 64, 4, 2}, 31.04),
      ok_record(seed, "mma", {64, 64, 4, 2}, 9.996),
      failed_record(seed, "mma", {128, 128, 8, 3}, Status::out_of_memory, "the workspace needs 81.2 GiB")};
  for (const int block_q : {64, 128, 192, 256, 320}) {
    records.push_back(failed_record(seed, "wgmma", {block_q, 128, 8, 2}, Status::unsupported,
                                    "the device's compute capability is too low"));
  }
  Problem decode = sample_problem("decode, \"one\" query");
  decode.batch = 16;
  decode.heads_q = 32;
  decode.seq_q = 1;
  decode.seq_kv = 4096;
  decode.dtype = Dtype::bf16;
  decode.causal = true;
  decode.lse = true;
  records.push_back(ok_record(decode, "scalar", {4, 8, 4, 1}, 1398));
  records.back().check->lse_max_abs = 1.5e-6;
  records.back().check->skipped_cases = {
      "far_batches: the problem needs 20.0 GiB of memory, 8.0 GiB are free"};
  records.back().percent_of_peak = 0.21;
  records.push_back(ok_record(decode, "mma", {64, 64, 4, 2}, 95.5));
  records.back().percent_of_peak = 3.06;
  add_measurements(records.back());
  records.push_back(failed_record(decode, "wgmma", {64, 128, 8, 2}, Status::unsupported,
                                  "the device's compute capability is too low"));
  return records;
}

}  // namespace flashcore::testing
