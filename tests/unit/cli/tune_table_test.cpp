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
  const std::string text = render_tuned(contenders, best, TimingMode::hot, kAnyWidth);
  EXPECT_NE(text.find("+5.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("dropped at +34.0 %"), std::string::npos) << text;
  EXPECT_LT(text.find("dropped at"), text.rfind("dropped\n")) << text;
  EXPECT_EQ(text.find("-10.0 %"), std::string::npos) << text;
}

}  // namespace
}  // namespace flashcore
