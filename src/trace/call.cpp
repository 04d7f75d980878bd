#include "trace/call.hpp"

#include <fmt/format.h>

#include <map>

namespace flashcore {

std::vector<EqualCalls> merge_equal(std::span<const RecordedCall> calls) {
  std::vector<EqualCalls> merged;
  std::map<std::string, std::size_t> places;
  for (const RecordedCall& call : calls) {
    const auto [place, is_new] = places.try_emplace(lengths_text(call.lengths), merged.size());
    if (is_new) merged.push_back({{}, call.lengths});
    merged[place->second].numbers.push_back(call.number);
  }
  return merged;
}

std::string numbers_text(std::span<const std::int64_t> numbers) {
  std::string text;
  for (std::size_t begin = 0; begin < numbers.size();) {
    std::size_t end = begin + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (end - begin < 3) end = begin + 1;
    if (!text.empty()) text += ", ";
    text += end - begin == 1 ? fmt::format("{}", numbers[begin])
                             : fmt::format("{}-{}", numbers[begin], numbers[end - 1]);
    begin = end;
  }
  return text;
}

}  // namespace flashcore
