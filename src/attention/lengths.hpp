// The lengths of a ragged batch, and their text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// One entry per sequence. Keys include those of the sequence's own queries.
struct Lengths {
  std::vector<std::int32_t> q;   // queries, at least 0
  std::vector<std::int32_t> kv;  // keys, at least 0

  bool operator==(const Lengths&) const = default;
};

// The sum of the lengths.
std::int64_t total(const std::vector<std::int32_t>& lengths);

// The same lengths in another order, of queries and of keys, so that other pairs come of them. Equal seeds give equal
// orders everywhere.
Lengths dealt_anew(const Lengths& lengths, std::uint64_t seed);

// The most sequences of a batch.
inline constexpr std::int64_t kMaxSequences = std::int64_t{1} << 20;

// vLLM's batch form: segments "[n]q<queries>[k][s<keys>[k]]" joined by '_', where n is the number of equal sequences, k
// stands for times 1024, and the keys are as many as the queries if they are not given: "2q2k_32q1s1k". Equal lengths
// have equal texts.
std::string lengths_text(const Lengths& lengths);

// The lengths of a text; if it has another form, nothing, and `error` says what is wrong.
std::optional<Lengths> parse_lengths(std::string_view text, std::string& error);

}  // namespace flashcore
