#include "config/distribution_reader.hpp"

#include <fmt/format.h>

#include <limits>
#include <string_view>

#include "base/json_fields.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

// The keys of the parameters by law, in the order of LengthLaw.
constexpr std::string_view kUniformKeys[] = {"min", "max"};
constexpr std::string_view kLognormalKeys[] = {"median", "sigma", "min", "max"};
constexpr std::string_view kZipfKeys[] = {"exponent", "min", "max"};
constexpr std::span<const std::string_view> kParameterKeys[] = {kUniformKeys, kLognormalKeys, kZipfKeys};

LengthRange read_range(const JsonReader& reader, LengthLaw law) {
  LengthRange range;
  if (!reader.is_object()) {
    range.min = range.max = static_cast<std::int32_t>(reader.integer(0, kMaxCount));
    return range;
  }
  reader.check_keys(kParameterKeys[static_cast<std::size_t>(law)]);
  const std::int64_t least = law == LengthLaw::zipf ? 1 : 0;
  if (reader.has("min")) range.min = static_cast<std::int32_t>(reader["min"].integer(least, kMaxCount));
  range.max = static_cast<std::int32_t>(require_field(reader, "max").integer(range.min, kMaxCount));
  if (law == LengthLaw::lognormal) {
    range.median = require_field(reader, "median").positive_number();
    range.sigma = require_field(reader, "sigma").number(0, kMaxSigma);
  }
  if (reader.has("exponent")) range.exponent = reader["exponent"].number(0, kMaxExponent);
  if (law == LengthLaw::zipf && range.max - range.min >= kMaxZipfLengths) {
    reader["max"].fail(fmt::format("must be less than {} above \"min\"", kMaxZipfLengths));
  }
  return range;
}

}  // namespace

LengthDistribution read_distribution(const JsonReader& reader) {
  static constexpr std::string_view kKeys[] = {"distribution", "sequences", "seed", "kv", "q"};
  reader.check_keys(kKeys);
  LengthDistribution distribution;
  distribution.law = decode_word<LengthLaw>(reader["distribution"]);
  distribution.sequences = require_field(reader, "sequences").integer(1, kMaxSequences);
  distribution.seed = static_cast<std::uint64_t>(
      require_field(reader, "seed").integer(0, std::numeric_limits<std::int64_t>::max()));
  distribution.kv = read_range(require_field(reader, "kv"), distribution.law);
  distribution.q = read_range(require_field(reader, "q"), distribution.law);
  return distribution;
}

}  // namespace flashcore
