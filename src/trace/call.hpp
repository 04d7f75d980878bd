// A call of attention in a sequence of calls.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attention/lengths.hpp"

namespace flashcore {

inline constexpr std::size_t kMaxCalls = 10000;

struct RecordedCall {
  std::int64_t number;  // of its line or step
  Lengths lengths;
};

// Calls of equal lengths, in the order of the first of each.
struct EqualCalls {
  std::vector<std::int64_t> numbers;  // ascending, if those of the calls are
  Lengths lengths;
};

// Nothing is lost: the numbers are those of all calls.
std::vector<EqualCalls> merge_equal(std::span<const RecordedCall> calls);

// "7", or "7, 12, 19-22": runs of three numbers and more are written as their ends.
std::string numbers_text(std::span<const std::int64_t> numbers);

}  // namespace flashcore
