#include "unit/support/sequence_cases.hpp"

#include <fmt/format.h>

#include <limits>
#include <random>
#include <utility>

namespace flashcore {

std::vector<SequenceCase> sequence_cases() {
  return {
      {.name = "mixed",
       .queries = {5, 0, 130, 1},
       .keys = {9, 4, 130, 300},
       .heads_q = 4,
       .heads_kv = 2,
       .right = 0},
      {.name = "no_keys", .queries = {1, 1, 3, 1, 20}, .keys = {70, 0, 0, 65, 1}},
      {.name = "no_keys_with_sinks", .queries = {1, 1, 3, 1, 20}, .keys = {70, 0, 0, 65, 1}, .sinks = true},
      {.name = "window_with_sinks",
       .queries = {70, 1, 33},
       .keys = {200, 150, 90},
       .left = 37,
       .right = 0,
       .sinks = true,
       .heads_first = true},
      {.name = "window_on_both_sides", .queries = {140, 2}, .keys = {230, 190}, .left = 20, .right = 11},
      {.name = "group_of_7",
       .queries = {1, 3, 0, 20},
       .keys = {100, 33, 16, 257},
       .heads_q = 14,
       .heads_kv = 2,
       .right = 0,
       .sinks = true},
      {.name = "group_of_8", .queries = {1, 1, 1}, .keys = {64, 129, 16}, .heads_q = 8, .sinks = true},
      {.name = "far_sinks",
       .queries = {3, 20, 2},
       .keys = {70, 65, 0},
       .heads_q = 4,
       .right = 0,
       .sinks = true,
       .sink_values = {60, -200, -std::numeric_limits<float>::infinity()}},
      {.name = "masked_rows", .queries = {90, 17}, .keys = {20, 16}, .right = 0, .sinks = true},
      {.name = "softcap", .queries = {30, 2}, .keys = {65, 100}, .right = 0, .softcap = 3, .lse = false},
      {.name = "longer_maxima",
       .queries = {3, 0, 20},
       .keys = {70, 9, 33},
       .heads_q = 4,
       .right = 0,
       .sinks = true,
       .longest_q = 150,
       .longest_kv = 400,
       .rows_q = 90},
      {.name = "unused_keys",
       .queries = {40, 1},
       .keys = {75, 63},
       .heads_kv = 2,
       .right = 0,
       .spare_keys = 9},
  };
}

std::vector<SequenceCase> paged_cases() {
  std::vector<SequenceCase> all;
  const auto add = [&](SequenceCase c, std::int32_t page_size) {
    c.page_size = page_size;
    c.spare_keys = 0;
    c.name += fmt::format("_pages_of_{}", page_size);
    all.push_back(std::move(c));
  };
  std::vector<SequenceCase> cases = sequence_cases();
  cases.push_back({.name = "rectangular",
                   .queries = {3, 3, 3},
                   .keys = {64, 5, 190},
                   .heads_q = 8,
                   .heads_kv = 2,
                   .right = 0,
                   .sinks = true,
                   .rectangular_q = true});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].name == "unused_keys") continue;
    for (const std::int32_t page_size : {1, 16, 48}) add(cases[i], page_size);
  }
  return all;
}

SequenceCase replayed_case(int set, std::int32_t page_size) {
  constexpr std::int32_t kSequences = 5;
  constexpr std::int32_t kLongestQ = 150;
  constexpr std::int32_t kLongestKv = 300;
  SequenceCase sequences{.name = fmt::format("set_{}", set),
                         .heads_q = 7,
                         .heads_kv = 1,
                         .page_size = page_size,
                         .right = 0,
                         .sinks = true,
                         .longest_q = kLongestQ,
                         .longest_kv = kLongestKv,
                         .rows_q = kSequences * kLongestQ + 3,
                         .rows_kv = kSequences * kLongestKv + 1,
                         .pages = page_size == 0 ? 0 : kSequences * (kLongestKv / page_size + 1) + 2};
  std::mt19937 random(static_cast<std::uint32_t>(set));
  for (std::int32_t i = 0; i < kSequences; ++i) {
    const std::uint32_t most_queries = random() % 2 == 0 ? 2 : kLongestQ + 1;  // decoding, or a prompt
    sequences.queries.push_back(static_cast<std::int32_t>(random() % most_queries));
    sequences.keys.push_back(static_cast<std::int32_t>(random() % 4 == 0 ? 0 : random() % (kLongestKv + 1)));
  }
  return sequences;
}

}  // namespace flashcore
