// How often a file that grows may be written anew.
#pragma once

#include <chrono>

namespace flashcore {

// Writing is allowed while the time spent on it is below kFreeWriting plus kWritingShare of the time since the start.
class WritingBudget {
 public:
  static constexpr double kWritingShare = 0.03;
  static constexpr std::chrono::milliseconds kFreeWriting{500};

  bool allows() const {
    const std::chrono::duration<double> allowed = kFreeWriting + kWritingShare * (Clock::now() - begin_);
    return spent_ <= allowed;
  }

  template <class Write>
  void spend_on(const Write& write) {
    const auto begin = Clock::now();
    write();
    spent_ += Clock::now() - begin;
  }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point begin_ = Clock::now();
  Clock::duration spent_{};
};

}  // namespace flashcore
