#include "compare/bisection.hpp"

#include <gtest/gtest.h>

#include <set>

namespace flashcore {
namespace {

// Returns the number of tests.
std::size_t search(Bisection& bisection, std::size_t first_slow,
                   const std::set<std::size_t>& untestable = {}) {
  std::size_t tests = 0;
  for (std::optional<std::size_t> place = bisection.next(); place; place = bisection.next()) {
    ++tests;
    bisection.set(*place, untestable.contains(*place) ? Speed::untestable
                          : *place < first_slow       ? Speed::fast
                                                      : Speed::slow);
  }
  return tests;
}

TEST(Bisection, FindsEveryCommitInFiveTestsOf32) {
  for (std::size_t first_slow = 1; first_slow <= 32; ++first_slow) {
    Bisection bisection(32);
    EXPECT_LE(search(bisection, first_slow), 5u);
    EXPECT_EQ(bisection.first_slow(), first_slow);
    EXPECT_EQ(bisection.last_fast(), first_slow - 1);
  }
}

TEST(Bisection, GoesAroundCommitsThatCannotBeTested) {
  const std::set<std::size_t> untestable = {15, 16, 17, 20};
  for (std::size_t first_slow = 1; first_slow <= 32; ++first_slow) {
    Bisection bisection(32);
    search(bisection, first_slow, untestable);
    EXPECT_LT(bisection.last_fast(), first_slow);
    EXPECT_GE(bisection.first_slow(), first_slow);
    for (std::size_t place = bisection.last_fast() + 1; place < bisection.first_slow(); ++place) {
      EXPECT_TRUE(untestable.contains(place)) << place;
    }
  }
}

TEST(Bisection, NeighboursNeedNoTest) { EXPECT_EQ(Bisection(1).next(), std::nullopt); }

}  // namespace
}  // namespace flashcore
