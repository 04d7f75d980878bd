// The flags that name a model preset become problems of a config.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attention/phase.hpp"
#include "base/json_document.hpp"
#include "config/model_reader.hpp"

namespace flashcore {

// Problems of a model, by their phase:
//   prefill  `batch` sequences of `context` queries
//   decode   `batch` sequences with one query and `context` keys
//   mixed    `batch` sequences of `context` keys: one with kMixedChunk queries, the others with one
inline constexpr std::int64_t kMixedChunk = 512;

// What a flag that is not given stands for. Keys of --scheduler that are not given have these values, too.
inline constexpr std::int64_t kDefaultBatch = 8;
inline constexpr std::int64_t kDefaultContext = 2048;
inline constexpr std::string_view kDefaultScheduler =
    "token_budget=8192,max_sequences=256,chunk=8192,steps=10000";

// The texts of flags.
struct ModelFlags {
  std::optional<std::string> model = {};  // the name of a preset, or a path
  std::optional<std::string> tp = {};     // cards of tensor parallelism; default: 1
  std::vector<std::string> phases = {};   // default: prefill of an encoder, else decode
  std::vector<std::string> batches = {};
  std::vector<std::string> contexts = {};  // "8192", or "8k"
  std::optional<std::string> kv = {};  // as of a problem; default: pages of 16 keys, for prefill contiguous
  std::optional<std::string> dtype = {};  // default: that of the preset
  std::optional<std::string> trace = {};  // a file of recorded calls or of requests, for the lengths
  std::optional<std::string> scheduler =
      {};                                // "token_budget=8192,chunk=2048": how a server takes the requests
  std::optional<std::string> bins = {};  // most problems of a trace
};

// The model's attention on one card of `tp`: heads_q / tp, and heads_kv / tp but at least 1. Throws UsageError that names
// --tp if that is not possible.
ModelPreset on_one_card(const ModelPreset& model, std::int64_t tp);

// Writes name, description and problems into the document: per phase, batch, context and kind of layers one problem, or
// for a trace one per bin and kind. Its weight is the number of layers, times the calls of its bin. Throws UsageError that
// names the flag.
void apply(const ModelFlags& flags, JsonDocument& document);

}  // namespace flashcore
