// Reads a model preset: the attention of a published model.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_document.hpp"

namespace flashcore {

// The layers of a model that have equal attention. The objects have fields of a problem: heads, head_dim, mask, … of the
// whole model, without lengths.
struct LayerKind {
  std::string name;        // "full", "window"
  std::int64_t count = 1;  // layers
  nlohmann::json prefill;  // attention of sequences with several queries
  nlohmann::json decode;  // of sequences with one query; the same, unless the model attends to latent vectors
};

struct ModelPreset {
  std::string name;
  std::string description;
  std::string source;  // where its numbers are published
  std::int64_t max_context = 1;
  std::vector<LayerKind> layers;
};

// The keys of a preset and of its objects. A test compares them with configs/schema/model.schema.json.
std::span<const std::string_view> model_keys();
std::span<const std::string_view> layer_kind_keys();
std::span<const std::string_view> model_attention_keys();

// Throws UsageError with the place in the document.
ModelPreset read_model(const JsonDocument& document, std::string_view name);

// False if a query sees later keys, as in encoders: such a model does not decode.
bool is_causal(const ModelPreset& model);

}  // namespace flashcore
