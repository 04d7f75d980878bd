// Independent work on all cores.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

namespace flashcore {

// Calls work(i) for every i below `count`, in blocks, in any order. An exception ends the work; the first one is thrown
// when all threads have ended. Little work stays on the calling thread.
template <class Work>
void parallel_for(std::size_t count, const Work& work) {
  constexpr std::size_t kBlock = 64;
  std::atomic<std::size_t> next = 0;
  const auto work_on_blocks = [&] {
    try {
      for (std::size_t begin = next.fetch_add(kBlock); begin < count; begin = next.fetch_add(kBlock)) {
        for (std::size_t i = begin; i < std::min(begin + kBlock, count); ++i) work(i);
      }
    } catch (...) {
      next = count;
      throw;
    }
  };
  const std::size_t threads = std::min<std::size_t>(count / kBlock, std::thread::hardware_concurrency());
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < threads; ++i) {
    others.push_back(std::async(std::launch::async, work_on_blocks));
  }
  work_on_blocks();
  for (std::future<void>& other : others) other.get();
}

}  // namespace flashcore
