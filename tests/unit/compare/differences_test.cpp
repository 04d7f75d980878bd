#include "compare/differences.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

// Files of equal environments, each with one row that was checked to this depth.
ResultFile checked(std::optional<CheckDepth> depth) {
  Record record = testing::ok_record(testing::sample_problem(), "mma", {64, 64, 4, 2}, 10);
  record.check.reset();
  if (depth) record.check.emplace().depth = *depth;
  ResultFile file;
  file.records = {record};
  return file;
}

std::vector<std::string> between(std::optional<CheckDepth> base, std::optional<CheckDepth> next) {
  const ResultFile before = checked(base);
  const ResultFile now = checked(next);
  std::vector<std::string> lines = differences({&before, 1}, {&now, 1});
  std::erase_if(lines, [](const std::string& line) { return !line.starts_with("checks of timed rows"); });
  return lines;
}

TEST(Differences, TellWhichSideWasCheckedLessDeeply) {
  EXPECT_TRUE(between(CheckDepth::standard, CheckDepth::standard).empty());
  EXPECT_EQ(between(CheckDepth::deep, CheckDepth::quick),
            std::vector<std::string>{"checks of timed rows: deep against quick"});
  EXPECT_EQ(between(CheckDepth::standard, std::nullopt),
            std::vector<std::string>{"checks of timed rows: standard against none"});
}

TEST(Differences, TellWhoSharedThePower) {
  ResultFile before = checked(CheckDepth::standard);
  before.records[0].timings[TimingMode::hot]->block_s = 0.5;
  before.records[0].telemetry = TelemetrySummary{.company = 1};
  ResultFile now = before;
  const auto tells = [&] {
    const std::vector<std::string> lines = differences({&before, 1}, {&now, 1});
    return std::ranges::any_of(
        lines, [](const std::string& line) { return line.find("share the power") != std::string::npos; });
  };
  EXPECT_FALSE(tells());
  now.records[0].telemetry->company = 5;
  EXPECT_TRUE(tells());
  now.records[0].timings[TimingMode::hot]->block_s = 0;  // at the highest clock everybody has the same
  EXPECT_FALSE(tells());
}

}  // namespace
}  // namespace flashcore
