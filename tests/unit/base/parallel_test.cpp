#include "base/parallel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

namespace flashcore {
namespace {

TEST(ParallelFor, CallsEveryIndexOnce) {
  for (const std::size_t count : {0, 1, 63, 64, 65, 10007}) {
    std::vector<std::atomic<int>> calls(count);
    parallel_for(count, [&](std::size_t i) { ++calls[i]; });
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count_if(calls, [](const auto& of) { return of == 1; })),
              count);
  }
}

TEST(ParallelFor, AnExceptionEndsTheWork) {
  constexpr std::size_t kMany = 100000000;  // would take minutes
  std::atomic<std::size_t> calls = 0;
  EXPECT_THROW(parallel_for(kMany,
                            [&](std::size_t i) {
                              if (++calls > 1000 || i == 5) throw std::runtime_error("5");
                            }),
               std::runtime_error);
  EXPECT_LT(calls, 1000000u);
}

}  // namespace
}  // namespace flashcore
