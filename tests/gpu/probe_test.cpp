// The probe's work is done in full: what it reports is never above what the device can do.
#include "kernels/probe/probe.hpp"

#include "gpu/gpu_test.hpp"
#include "record/peak.hpp"

namespace flashcore {
namespace {

class ProbeTest : public GpuTest {};

TEST_F(ProbeTest, CeilingsStayBelowThePeaksOnPaper) {
  kernels::ProbeResult probe;
  ASSERT_EQ(kernels::run_probe(nullptr, probe), 0);
  EXPECT_GT(probe.copy_bytes_per_s, 0);
  EXPECT_GT(probe.mma_flops_per_s, 0);
  EXPECT_GT(probe.exp2_per_s, 0);

  const DeviceInfo& device = executor().device();
  const bool has_wgmma = device.limits.compute_capability == 90;
  EXPECT_EQ(probe.wgmma_flops_per_s.has_value(), has_wgmma);
  const DevicePeak* peak = find_peak(device.name);
  if (peak == nullptr) GTEST_SKIP() << "no peak is known for " << device.name;
  constexpr double kFastestClock = 1.1;  // over the boost clock of the table
  EXPECT_LT(probe.copy_bytes_per_s, peak->memory_bytes_per_s);
  EXPECT_LT(ceilings_of(probe).tensor_flops_per_s, kFastestClock * peak->tensor_flops_per_s);
  EXPECT_GE(ceilings_of(probe).tensor_flops_per_s, probe.mma_flops_per_s);
}

}  // namespace
}  // namespace flashcore
