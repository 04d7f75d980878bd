#include "attention/lengths.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "base/text.hpp"

namespace flashcore {
namespace {

constexpr std::int32_t kKibi = 1024;

// "8k" of 8192, "100" of 100.
std::string count_text(std::int32_t count) {
  return count > 0 && count % kKibi == 0 ? fmt::format("{}k", count / kKibi) : fmt::format("{}", count);
}

// Reads a text from its begin.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // A number, times 1024 before a 'k' if `may_be_kibi`. Nothing if there is none or if it exceeds 32 bits.
  std::optional<std::int32_t> count(bool may_be_kibi) {
    std::int64_t number = 0;
    const char* const begin = rest_.data();
    const auto [end, error] = std::from_chars(begin, begin + rest_.size(), number);
    if (error != std::errc{} || number < 0) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - begin));
    if (number > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    if (may_be_kibi && take('k')) number *= kKibi;
    if (number > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    return static_cast<std::int32_t>(number);
  }

 private:
  std::string_view rest_;
};

// Equal sequences.
struct Segment {
  std::int32_t sequences;
  std::int32_t q;
  std::int32_t kv;
};

std::optional<Segment> parse_segment(std::string_view text) {
  Scanner scanner(text);
  const std::int32_t sequences = text.starts_with('q') ? 1 : scanner.count(false).value_or(0);
  if (sequences < 1 || !scanner.take('q')) return std::nullopt;
  const std::optional<std::int32_t> q = scanner.count(true);
  if (!q) return std::nullopt;
  std::optional<std::int32_t> kv = q;
  if (scanner.take('s')) kv = scanner.count(true);
  if (!kv || !scanner.at_end()) return std::nullopt;
  return Segment{sequences, *q, *kv};
}

}  // namespace

std::int64_t total(const std::vector<std::int32_t>& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
}

Lengths dealt_anew(const Lengths& lengths, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Lengths other = lengths;
  for (std::vector<std::int32_t>* all : {&other.q, &other.kv}) {
    for (std::size_t i = all->size(); i > 1; --i) std::swap((*all)[i - 1], (*all)[random() % i]);
  }
  return other;
}

std::string lengths_text(const Lengths& lengths) {
  std::string text;
  for (std::size_t begin = 0; begin < lengths.q.size();) {
    const std::int32_t q = lengths.q[begin];
    const std::int32_t kv = lengths.kv[begin];
    std::size_t end = begin + 1;
    while (end < lengths.q.size() && lengths.q[end] == q && lengths.kv[end] == kv) ++end;
    if (begin > 0) text += '_';
    if (end - begin > 1) text += fmt::format("{}", end - begin);
    text += fmt::format("q{}", count_text(q));
    if (kv != q) text += fmt::format("s{}", count_text(kv));
    begin = end;
  }
  return text;
}

std::optional<Lengths> parse_lengths(std::string_view text, std::string& error) {
  Lengths lengths;
  for (const std::string_view part : split(text, '_')) {
    const std::optional<Segment> segment = parse_segment(part);
    if (!segment) {
      error = fmt::format(
          "\"{}\" is no segment of the form [n]q<queries>[k][s<keys>[k]], for example 2q2k_32q1s1k", part);
      return std::nullopt;
    }
    if (static_cast<std::int64_t>(lengths.q.size()) + segment->sequences > kMaxSequences) {
      error = fmt::format("more than {} sequences", kMaxSequences);
      return std::nullopt;
    }
    lengths.q.insert(lengths.q.end(), static_cast<std::size_t>(segment->sequences), segment->q);
    lengths.kv.insert(lengths.kv.end(), static_cast<std::size_t>(segment->sequences), segment->kv);
  }
  return lengths;
}

}  // namespace flashcore
