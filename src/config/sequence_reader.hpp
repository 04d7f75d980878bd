// Reads the lengths and the cache of a problem.
#pragma once

#include <string>

#include "attention/kv_cache.hpp"
#include "attention/lengths.hpp"
#include "base/json_document.hpp"

namespace flashcore {

struct StatedLengths {
  Lengths lengths;
  std::string source;  // where they come from; empty if the config states them
};

// One of these. Throws UsageError.
//   "2q64_3q1s100"                        vLLM's batch form
//   {"q": [64, 1], "kv": [64, 100]}       all lengths
//   {"distribution": "lognormal", …}      see read_distribution()
//   {"batch": "2q64_3q1s100", "name": "call0007", "source": "calls a.jsonl, line 7"}
//                                         a recorded call, as load_recorded_lengths() puts it into a config
StatedLengths read_lengths(const JsonReader& reader);

// The name of a recorded call; empty for every other value of any field.
std::string lengths_name(const JsonReader& reader);

// The text of kv_cache_text(), or {"layout": "paged", "page_size": 16, "order": "shuffled", "shared_prefix":
// {"sequences": 4, "keys": 1024}}. Throws UsageError.
KvCache read_kv_cache(const JsonReader& reader);

}  // namespace flashcore
