#include "record/peak.hpp"

#include <gtest/gtest.h>

#include <set>

namespace flashcore {
namespace {

TEST(Peak, EveryRowIsConsistent) {
  std::set<std::string_view> names;
  for (const DevicePeak& peak : device_peaks()) {
    EXPECT_TRUE(names.insert(peak.device).second) << peak.device;
    EXPECT_NEAR(tensor_flops_per_s_at(peak, peak.boost_clock_mhz) / peak.tensor_flops_per_s, 1, 0.003)
        << peak.device;
    EXPECT_FALSE(peak.source.empty()) << peak.device;
  }
}

TEST(Peak, FindsCardsByName) {
  ASSERT_NE(find_peak("NVIDIA L4"), nullptr);
  EXPECT_EQ(find_peak("NVIDIA L4")->num_sms, 58);
  EXPECT_EQ(find_peak("NVIDIA L4")->tensor_flops_per_s, 121e12);
  EXPECT_EQ(find_peak("NVIDIA A100-SXM4-40GB")->memory_bytes_per_s, 1555e9);
  EXPECT_EQ(find_peak("NVIDIA A100 80GB PCIe")->memory_bytes_per_s, 1935e9);
  EXPECT_EQ(find_peak("NVIDIA GeForce RTX 4090")->tensor_flops_per_s, 165.2e12);
  EXPECT_EQ(find_peak("NVIDIA H100 80GB HBM3")->memory_bytes_per_s, 3350e9);
  EXPECT_EQ(find_peak("NVIDIA H100 PCIe")->num_sms, 114);
  EXPECT_EQ(find_peak("NVIDIA H200")->memory_bytes_per_s, 4800e9);
}

TEST(Peak, DoesNotConfuseSimilarNames) {
  EXPECT_EQ(find_peak("NVIDIA L40S"), nullptr);
  EXPECT_EQ(find_peak("NVIDIA H100 80GB HBM3 MIG 1g.10gb"), nullptr);
  EXPECT_EQ(find_peak("NVIDIA H200 NVL"), nullptr);
  EXPECT_EQ(find_peak(""), nullptr);
}

TEST(Peak, ScalesWithTheClock) {
  const DevicePeak& h100 = *find_peak("NVIDIA H100 80GB HBM3");
  EXPECT_NEAR(tensor_flops_per_s_at(h100, 1980), 1070.5e12, 0.1e12);
  EXPECT_NEAR(tensor_flops_per_s_at(h100, 1485), 802.9e12, 0.1e12);
}

}  // namespace
}  // namespace flashcore
