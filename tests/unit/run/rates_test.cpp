#include "run/rates.hpp"

#include <gtest/gtest.h>

#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

using testing::ok_record;
using testing::sample_problem;

// 4 · 8 · 512 · 512 · 64 = 0.5369 GFLOP in 10 µs.
constexpr double kTflops = 53.6870912;

DeviceInfo h100() {
  DeviceInfo device;
  device.backend = Backend::cuda;
  device.name = "NVIDIA H100 80GB HBM3";
  return device;
}

Record timed_record() { return ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10); }

TEST(Rates, OfPeakIsAtTheMedianClockOfTheTiming) {
  Record record = timed_record();
  record.timings[TimingMode::hot]->sm_clock_mhz = {1500, 1980, 1600, 1500, 1980};
  add_rates(record, h100());
  EXPECT_NEAR(*record.tflops, kTflops, 1e-6);
  EXPECT_NEAR(*record.peak_tflops, 4096.0 * 132 * 1600e6 * 1e-12, 1e-9);
  EXPECT_NEAR(*record.percent_of_peak, 100 * kTflops / *record.peak_tflops, 1e-9);
}

TEST(Rates, OfPeakIsAtTheBoostClockWhereNoClockWasRead) {
  Record record = timed_record();
  add_rates(record, h100());
  EXPECT_NEAR(*record.peak_tflops, 989.4, 1e-9);
  EXPECT_NEAR(*record.percent_of_peak, 100 * kTflops / 989.4, 1e-9);
}

TEST(Rates, UnknownDevicesHaveNoPeak) {
  DeviceInfo device = h100();
  device.name += " MIG 1g.10gb";
  Record record = timed_record();
  add_rates(record, device);
  EXPECT_TRUE(record.tflops);
  EXPECT_FALSE(record.peak_tflops);
  EXPECT_FALSE(record.percent_of_peak);
  EXPECT_FALSE(record.roofline);
}

TEST(Rates, TheRooflineIsOfMeasuredCeilings) {
  DeviceInfo device = h100();
  device.ceilings = {.copy_bytes_per_s = 3e12, .mma_flops_per_s = 6e14, .exp2_per_s = 4e12};
  Record record = timed_record();
  add_rates(record, device);
  EXPECT_NEAR(record.roofline->arithmetic_floor_us, kTflops * 10 / 600, 1e-9);
  device.ceilings->wgmma_flops_per_s = 8e14;
  add_rates(record, device);
  EXPECT_NEAR(record.roofline->arithmetic_floor_us, kTflops * 10 / 800, 1e-9);
  // Q, K, V and O of 8 · 512 · 64 elements of two bytes.
  EXPECT_NEAR(record.roofline->memory_floor_us, 4 * 8 * 512 * 64 * 2 / 3e6, 1e-9);
}

TEST(Rates, PeaksAndCeilingsAreNotThoseOfE4m3) {
  DeviceInfo device = h100();
  device.ceilings = {.copy_bytes_per_s = 3e12, .mma_flops_per_s = 6e14, .exp2_per_s = 4e12};
  Record record = timed_record();
  record.problem.dtype = Dtype::e4m3;
  add_rates(record, device);
  EXPECT_TRUE(record.tflops);
  EXPECT_FALSE(record.peak_tflops);
  EXPECT_FALSE(record.percent_of_peak);
  EXPECT_FALSE(record.roofline);
}

TEST(Rates, WhatWasNotTimedHasNone) {
  DeviceInfo device = h100();
  device.ceilings = {.copy_bytes_per_s = 3e12, .mma_flops_per_s = 6e14, .exp2_per_s = 4e12};
  Record record = timed_record();
  add_rates(record, device);
  record.drop_timings();
  add_rates(record, device);
  EXPECT_FALSE(record.tflops);
  EXPECT_FALSE(record.peak_tflops);
  EXPECT_FALSE(record.percent_of_peak);
  EXPECT_FALSE(record.roofline);
}

TEST(Rates, TheFloorIsHeldAgainstColdTimes) {
  Record record = timed_record();
  EXPECT_EQ(record.roofline_timing(), &*record.timings[TimingMode::cold]);
  record.timings[TimingMode::cold].reset();
  EXPECT_EQ(record.roofline_timing(), &*record.timings[TimingMode::hot]);
}

// --- Times that cannot be

std::string impossible(double us, double cold_us, const DeviceInfo& device) {
  Record record = timed_record();
  record.problem.seq_q = record.problem.seq_kv = 4096;  // 34.36 GFLOP, 16.8 MB
  record.timings[TimingMode::hot]->median = us;
  record.timings[TimingMode::cold] = record.timings[TimingMode::hot];
  record.timings[TimingMode::cold]->median = cold_us;
  record.timings[TimingMode::call].reset();
  return impossible_time(record, device);
}

TEST(ImpossibleTime, IsShorterThanThePeakAtTheHighestClockAllows) {
  DeviceInfo device = h100();  // 989.4 TFLOP/s at 1830 MHz: 34.7 us
  EXPECT_EQ(impossible(36, 36, device), "");
  EXPECT_EQ(impossible(34.2, 36, device), "");  // within 2 %
  EXPECT_EQ(impossible(33, 36, device),
            "33 us in hot is impossible: at its peak NVIDIA H100 80GB HBM3 needs 34.7 us for the arithmetic");
  device.max_sm_clock_mhz = 1980;
  EXPECT_EQ(impossible(33, 36, device), "");
  device.name = "Abacus";
  EXPECT_EQ(impossible(1e-3, 1e-3, device), "");
}

TEST(ImpossibleTime, OfACpuIsFarAboveItsVectorUnits) {
  DeviceInfo device;
  device.name = "Abacus";
  EXPECT_EQ(impossible(1e-3, 1e-3, device), "");  // nothing was measured
  device.fma_flops_per_s = 1e13;
  EXPECT_EQ(impossible(211, 211, device), "");  // within 2 %
  EXPECT_EQ(impossible(210, 210, device),
            "210 us in hot is impossible: at its peak Abacus needs 215 us for the arithmetic");
}

TEST(ImpossibleTime, IsShorterThanTheBandwidthAllowsForHalfOfColdInputs) {
  const auto decode = [](double cold_us, std::int64_t seq_kv, bool causal_window) {
    Record record = timed_record();
    record.problem.seq_q = 1;
    record.problem.seq_kv = seq_kv;
    if (causal_window) record.problem.window_left = 16;
    record.timings[TimingMode::cold] = record.timings[TimingMode::hot];
    record.timings[TimingMode::cold]->median = cold_us;
    DeviceInfo device = h100();
    device.l2_bytes = 50 << 20;
    return impossible_time(record, device);
  };
  // 8 heads of 65536 keys: 134 MB in 40 us at 3350 GB/s, half of it in 20 us.
  EXPECT_EQ(decode(20, 65536, false), "");
  EXPECT_EQ(decode(19, 65536, false),
            "19 us in cold is impossible: NVIDIA H100 80GB HBM3 needs 20 us to read the inputs");
  EXPECT_EQ(decode(19, 65536, true), "");  // a window reads few keys
  EXPECT_EQ(decode(0.01, 64, false), "");  // all input sets fit in L2
}

}  // namespace
}  // namespace flashcore
