#include "attention/kv_cache.hpp"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/text.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kPrefix = "prefix";

bool read_count(std::string_view text, std::int64_t& count) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc{} && end == text.data() + text.size() && count >= 1;
}

// "prefix4x1024"
bool read_prefix(std::string_view text, KvCache& cache) {
  if (!text.starts_with(kPrefix)) return false;
  const std::vector<std::string_view> counts = split(text.substr(kPrefix.size()), 'x');
  return counts.size() == 2 && read_count(counts[0], cache.prefix_sequences) &&
         read_count(counts[1], cache.prefix_keys);
}

}  // namespace

std::string kv_cache_text(const KvCache& cache) {
  if (!cache.is_paged()) return std::string(to_string(cache.layout));
  std::string text = fmt::format("{}:{}", to_string(cache.layout), cache.page_size);
  const bool has_prefix = cache.prefix_sequences > 0;
  if (has_prefix || cache.order != PageOrder{}) text += fmt::format(":{}", to_string(cache.order));
  if (has_prefix) text += fmt::format(":{}{}x{}", kPrefix, cache.prefix_sequences, cache.prefix_keys);
  return text;
}

std::optional<KvCache> parse_kv_cache(std::string_view text, std::string& error) {
  KvCache cache;
  if (text == to_string(KvKind::contiguous)) return cache;
  const std::vector<std::string_view> parts = split(text, ':');
  cache.layout = KvKind::paged;
  bool is_right = parts.size() >= 2 && parts.size() <= 4 && parts[0] == to_string(KvKind::paged) &&
                  read_count(parts[1], cache.page_size);
  if (is_right && parts.size() > 2) {
    const std::optional<PageOrder> order = parse_word<PageOrder>(parts[2]);
    is_right = order.has_value() && (parts.size() == 3 || read_prefix(parts[3], cache));
    if (order) cache.order = *order;
  }
  if (is_right) return cache;
  error = fmt::format(
      "\"{}\" is neither contiguous nor of the form "
      "paged:<page_size>[:shuffled|sequential[:prefix<sequences>x<keys>]]",
      text);
  return std::nullopt;
}

}  // namespace flashcore
