#include "render/progress.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <sstream>

#include "base/text.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;

class ProgressLineTest : public ::testing::Test {
 protected:
  std::ostringstream out_;
  ProgressLine::Clock::time_point now_{std::chrono::seconds(1000)};
  std::function<ProgressLine::Clock::time_point()> clock_ = [this] { return now_; };
};

TEST_F(ProgressLineTest, DrawsAtMostOnceAnInterval) {
  ProgressLine line(out_, true, 80, clock_);
  line.update(0, 10, "one");
  line.update(1, 10, "two");
  EXPECT_EQ(out_.str().find("two"), std::string::npos);
  now_ += std::chrono::seconds(30);
  line.update(5, 10, "three");
  expect_contains(out_.str(), "[##########          ] 5/10, about 0:30 left  three");
}

TEST_F(ProgressLineTest, ErasesWhatItDrewAndKeepsToTheWidth) {
  ProgressLine line(out_, true, 30, clock_);
  line.update(1, 2, "a long name that does not fit");
  const std::string drawn = out_.str().substr(5);  // after the sequence that erases the line
  EXPECT_LE(display_width(drawn), 29);
  line.erase();
  EXPECT_EQ(out_.str().substr(5 + drawn.size()), "\r\x1b[2K");
  line.erase();
  EXPECT_EQ(out_.str().size(), 5 + drawn.size() + 5);
}

TEST_F(ProgressLineTest, IsSilentWhenNotEnabled) {
  {
    ProgressLine line(out_, false, 80, clock_);
    line.update(1, 2, "x");
  }
  EXPECT_EQ(out_.str(), "");
}

TEST(SummaryLine, CountsAndNamesFiles) {
  const std::vector<std::string> files = {"a.json", "a.csv"};
  EXPECT_EQ(summary_line({.ok = 3}, {}), "3 ok");
  EXPECT_EQ(
      summary_line({.ok = 10, .incorrect = 1, .unsupported = 2, .failed = 4, .interrupted = true}, files),
      "interrupted: 10 ok, 1 incorrect, 2 unsupported, 4 failed; wrote a.json, a.csv");
}

}  // namespace
}  // namespace flashcore
