// Parses sample output of ncu (CSV of --page raw).
#include "cli/ncu_counters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace flashcore {
namespace {

constexpr const char* kTwoKernels =
    R"csv(==PROF== Connected to process 7 (/usr/bin/flashcore-bench)
==PROF== Profiling "attention_kernel" - 0: 0%....50%....100% - 9 passes
==PROF== Disconnected from process 7
"ID","Kernel Name","Grid Size","gpu__time_duration.sum","l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum","sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active","smsp__average_warps_issue_stalled_barrier_per_issue_active.ratio","smsp__average_warps_issue_stalled_long_scoreboard_per_issue_active.ratio","smsp__average_warps_issue_stalled_wait_per_issue_active.ratio"
"","","","nsecond","","%","inst","inst","inst"
"0","void attention_kernel<Mma<64, 2>>(AttentionArgs)","(8, 1, 1)","12,345","1,024","61.5","0.5","3.25","0"
"1","merge_splits","(1, 1, 1)","2000","0","n/a","","1","0.1"
)csv";

std::optional<double> counter(const KernelProfile& kernel, std::string_view name) {
  const auto counters = profile_counters();
  const auto place = std::ranges::find(counters, name, &Counter::name) - counters.begin();
  return kernel.counters.at(static_cast<std::size_t>(place));
}

TEST(NcuCounters, ReadsEveryKernel) {
  const std::vector<KernelProfile> kernels = parse_ncu_csv(kTwoKernels);
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[0].kernel, "void attention_kernel<Mma<64, 2>>(AttentionArgs)");
  EXPECT_DOUBLE_EQ(counter(kernels[0], "duration_us").value(), 12.345);
  EXPECT_DOUBLE_EQ(counter(kernels[0], "bank_conflicts_load").value(), 1024);
  EXPECT_DOUBLE_EQ(counter(kernels[0], "tensor_pipe_percent").value(), 61.5);
  EXPECT_DOUBLE_EQ(counter(kernels[1], "duration_us").value(), 2);
}

TEST(NcuCounters, MissingValuesAreAbsent) {
  const KernelProfile kernel = parse_ncu_csv(kTwoKernels)[1];
  EXPECT_EQ(counter(kernel, "tensor_pipe_percent"), std::nullopt);
  EXPECT_EQ(counter(kernel, "dram_percent"), std::nullopt);
}

TEST(NcuCounters, StallsAreSortedByTheirSize) {
  using Stall = std::pair<std::string, double>;
  const std::vector<KernelProfile> kernels = parse_ncu_csv(kTwoKernels);
  EXPECT_EQ(kernels[0].stalls, (std::vector<Stall>{{"long_scoreboard", 3.25}, {"barrier", 0.5}}));
  EXPECT_EQ(kernels[1].stalls, (std::vector<Stall>{{"long_scoreboard", 1}, {"wait", 0.1}}));
}

TEST(NcuCounters, ErrorsHaveTheTextOfNcu) {
  const auto message = [](std::string_view text) -> std::string {
    try {
      parse_ncu_csv(text);
    } catch (const EnvironmentError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("==PROF== Connected\n==ERROR== ERR_NVGPUCTRPERM - no permission\n"),
            "ncu: ERR_NVGPUCTRPERM - no permission");
  EXPECT_EQ(message("==WARNING== No kernels were profiled.\n"), "ncu: recorded no kernel");
}

TEST(NcuCounters, OnlyHopperHasWarpgroupStalls) {
  EXPECT_EQ(metric_list(89).find("gmma"), std::string::npos);
  EXPECT_NE(metric_list(90).find("issue_stalled_gmma_per_issue_active.ratio"), std::string::npos);
  EXPECT_NE(metric_list(90).back(), ',');
}

}  // namespace
}  // namespace flashcore
