#include "cli/tune_table.hpp"

#include <gtest/gtest.h>

#include "base/text_table.hpp"
#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

// What was timed in an earlier round, at another clock, may seem faster than the winner.
TEST(TuneTable, CandidatesThatWereDroppedAreNotBehind) {
  std::vector<Contender> contenders;
  for (const double us : {10.0, 10.5, 9.0, 20.0}) {
    contenders.push_back(
        {.record = testing::ok_record(testing::sample_problem(), "mma", {16, 64, 4, 2}, us)});
  }
  contenders[0].finalist = contenders[1].finalist = true;
  contenders[2].dropped_at = 1.34;
  const std::size_t best[] = {0};
  const std::string text = render_tuned(contenders, best, {}, kAnyWidth);
  EXPECT_NE(text.find("+5.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("dropped at +34.0 %"), std::string::npos) << text;
  EXPECT_LT(text.find("dropped at"), text.rfind("dropped\n")) << text;
  EXPECT_EQ(text.find("-10.0 %"), std::string::npos) << text;
}

TEST(TuneTable, EnergyStandsBesideTimesAndDecidesIfAsked) {
  std::vector<Contender> contenders;
  for (const auto& [us, joules] : {std::pair(10.0, 0.004), {12.0, 0.002}, {13.0, 0.003}}) {
    const int stages = static_cast<int>(contenders.size()) + 1;
    contenders.push_back(
        {.record = testing::ok_record(testing::sample_problem(), "mma", {16, 64, 4, stages}, us)});
    contenders.back().finalist = true;
    contenders.back().record.energy_windows_j = {joules, joules, joules};
  }
  const std::size_t fastest[] = {0};
  const std::string both = render_tuned(contenders, fastest, {.objective = Objective::both}, kAnyWidth);
  EXPECT_NE(both.find("behind"), std::string::npos) << both;
  EXPECT_NE(both.find("+20.0 %"), std::string::npos) << both;
  EXPECT_NE(both.find("  Pareto set: mma/fp16_d64_q16_kv64_w4_s1 10.00 µs 4.000 mJ, "
                      "mma/fp16_d64_q16_kv64_w4_s2 12.00 µs 2.000 mJ\n"),
            std::string::npos)
      << both;
  const std::size_t frugal[] = {1};
  const std::string energy = render_tuned(contenders, frugal, {.objective = Objective::energy}, kAnyWidth);
  EXPECT_NE(energy.find("+100.0 %"), std::string::npos) << energy;
  EXPECT_LT(energy.find("s3 "), energy.find("s1 ")) << energy;  // by energy
  EXPECT_EQ(energy.find("Pareto"), std::string::npos) << energy;
  const std::string latency = render_tuned(contenders, fastest, {}, kAnyWidth);
  EXPECT_EQ(latency.find("mJ"), std::string::npos) << latency;
}

}  // namespace
}  // namespace flashcore
