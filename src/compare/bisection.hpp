// The search by halves for the first slow commit between a fast and a slow one.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace flashcore {

enum class Speed : int { fast, slow, untestable };

// Places 0 to `last`: place 0 is fast, place `last` is slow.
class Bisection {
 public:
  explicit Bisection(std::size_t last);

  // The place to test next: the testable one nearest to the middle. Nothing when none is left.
  std::optional<std::size_t> next() const;
  void set(std::size_t place, Speed speed);

  // The first slow place is after last_fast() and at most first_slow(); the places between cannot be tested once next()
  // is empty.
  std::size_t last_fast() const { return fast_; }
  std::size_t first_slow() const { return slow_; }

 private:
  std::size_t fast_ = 0;
  std::size_t slow_;
  std::vector<bool> untestable_;
};

}  // namespace flashcore
