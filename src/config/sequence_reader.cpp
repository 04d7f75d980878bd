#include "config/sequence_reader.hpp"

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/distribution_reader.hpp"
#include "trace/length_distribution.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kListKeys[] = {"q", "kv"};
constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

std::vector<std::int32_t> read_list(const JsonReader& reader) {
  if (!reader.value().is_array()) reader.fail("must be an array of lengths");
  std::vector<std::int32_t> lengths;
  for (const JsonReader& length : reader.one_or_more()) {
    lengths.push_back(static_cast<std::int32_t>(length.integer(0, kMaxCount)));
  }
  return lengths;
}

template <class Value>
Value parsed(const JsonReader& reader, std::optional<Value> (*parse)(std::string_view, std::string&)) {
  std::string error;
  if (const std::optional<Value> value = parse(reader.string(), error)) return *value;
  reader.fail(error);
}

StatedLengths read_recorded(const JsonReader& reader) {
  static constexpr std::string_view kKeys[] = {"batch", "name", "source"};
  reader.check_keys(kKeys);
  StatedLengths stated{parsed(reader["batch"], parse_lengths), ""};
  if (reader.has("source")) stated.source = reader["source"].line();
  return stated;
}

void read_prefix(const JsonReader& reader, KvCache& cache) {
  static constexpr std::string_view kKeys[] = {"sequences", "keys"};
  reader.check_keys(kKeys);
  cache.prefix_sequences = reader["sequences"].integer(2, kMaxSequences);
  cache.prefix_keys = reader["keys"].integer(1, kMaxCount);
}

}  // namespace

StatedLengths read_lengths(const JsonReader& reader) {
  if (!reader.is_object()) return {parsed(reader, parse_lengths), ""};
  if (reader.has("batch")) return read_recorded(reader);
  if (reader.has("distribution")) {
    const LengthDistribution distribution = read_distribution(reader);
    return {draw_lengths(distribution), distribution_text(distribution)};
  }
  reader.check_keys(kListKeys);
  for (const std::string_view key : kListKeys) {
    if (!reader.has(key)) reader.fail("needs \"q\" and \"kv\", the lengths of all sequences");
  }
  Lengths lengths{read_list(reader["q"]), read_list(reader["kv"])};
  if (std::ssize(lengths.q) > kMaxSequences) reader.fail("has too many sequences");
  return {std::move(lengths), ""};
}

std::string lengths_name(const JsonReader& reader) {
  const bool is_recorded = reader.is_object() && reader.has("batch") && reader.has("name");
  return is_recorded ? reader["name"].line() : "";
}

KvCache read_kv_cache(const JsonReader& reader) {
  if (!reader.is_object()) return parsed(reader, parse_kv_cache);
  static constexpr std::string_view kKeys[] = {"layout", "page_size", "order", "shared_prefix"};
  reader.check_keys(kKeys);
  KvCache cache;
  if (!reader.has("layout")) reader.fail("needs a \"layout\": contiguous or paged");
  cache.layout = static_cast<KvKind>(reader["layout"].word(kKvKindWords));
  if (cache.is_paged() && !reader.has("page_size")) reader.fail("a paged cache needs a \"page_size\"");
  if (reader.has("page_size")) cache.page_size = reader["page_size"].integer(1, kMaxCount);
  if (reader.has("order")) cache.order = static_cast<PageOrder>(reader["order"].word(kPageOrderWords));
  if (reader.has("shared_prefix")) read_prefix(reader["shared_prefix"], cache);
  return cache;
}

}  // namespace flashcore
