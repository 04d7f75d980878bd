// Reads the lengths and the cache of a problem.
#pragma once

#include "attention/kv_cache.hpp"
#include "attention/lengths.hpp"
#include "base/json_document.hpp"

namespace flashcore {

// A text in vLLM's batch form, or {"q": [64, 1], "kv": [64, 100]}. Throws UsageError.
Lengths read_lengths(const JsonReader& reader);

// The text of kv_cache_text(), or {"layout": "paged", "page_size": 16, "order": "shuffled", "shared_prefix":
// {"sequences": 4, "keys": 1024}}. Throws UsageError.
KvCache read_kv_cache(const JsonReader& reader);

}  // namespace flashcore
