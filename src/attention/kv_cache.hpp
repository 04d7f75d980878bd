// How a problem keeps K and V, and its text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/words.hpp"

namespace flashcore {

//   contiguous  the keys of a sequence lie one after the other
//   paged       the keys of a sequence are in pages of a cache; a table has the pages of each sequence
enum class KvKind : int { contiguous, paged };
inline constexpr std::string_view kKvKindWords[] = {"contiguous", "paged"};
constexpr Words words(KvKind) { return kKvKindWords; }

// The places of a sequence's pages in the cache.
enum class PageOrder : int { shuffled, sequential };
inline constexpr std::string_view kPageOrderWords[] = {"shuffled", "sequential"};
constexpr Words words(PageOrder) { return kPageOrderWords; }

// All members but `layout` are for paged caches.
struct KvCache {
  KvKind layout = KvKind::contiguous;
  std::int64_t page_size = 0;  // keys per page
  PageOrder order = PageOrder::shuffled;
  // Each group of `prefix_sequences` neighbouring sequences shares the whole pages of its first `prefix_keys` keys.
  std::int64_t prefix_sequences = 0;  // 0: none
  std::int64_t prefix_keys = 0;

  bool operator==(const KvCache&) const = default;
  bool is_paged() const { return layout == KvKind::paged; }
};

// "contiguous", "paged:16", "paged:16:sequential", "paged:16:shuffled:prefix4x1024": four sequences share 1024 keys.
std::string kv_cache_text(const KvCache& cache);

// The cache of a text; if it has another form, nothing, and `error` says what is wrong.
std::optional<KvCache> parse_kv_cache(std::string_view text, std::string& error);

}  // namespace flashcore
