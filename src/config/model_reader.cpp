#include "config/model_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "config/problem_reader.hpp"

namespace flashcore {
namespace {

using nlohmann::json;

constexpr std::string_view kModelKeys[] = {"$schema",   "description", "source", "max_context",
                                           "attention", "layers",      "decode"};
constexpr std::string_view kLayerKeys[] = {"kind", "count", "attention"};
constexpr std::string_view kAttentionKeys[] = {
    "heads_q", "heads_kv",    "seq_kv",       "head_dim", "head_dim_v", "dtype",   "causal",
    "scale",   "window_left", "window_right", "mask",     "chunk",      "softcap", "sinks"};
constexpr std::int64_t kMaxLayers = 10000;

JsonReader required(const JsonReader& object, std::string_view key) {
  if (!object.has(key)) object.fail(fmt::format("needs the key \"{}\"", key));
  return object[key];
}

std::string text_of(const JsonReader& object, std::string_view key) {
  const JsonReader value = required(object, key);
  std::string text = value.line();
  if (text.empty()) value.fail("must not be empty");
  return text;
}

json attention_of(const JsonReader& object) {
  object.check_keys(kAttentionKeys);
  for (const std::string_view key : kAttentionKeys) {
    if (object.has(key) && object[key].value().is_structured()) object[key].fail("must be one value");
  }
  return object.value();
}

// Problems of this attention must be possible.
void check_attention(const json& attention, const std::string& where) {
  const JsonDocument document(json{{"problems", attention}}.dump(), where);
  read_problems(JsonReader(document)["problems"]);
}

LayerKind read_layer_kind(const JsonReader& object, const json& common, const json& decode) {
  object.check_keys(kLayerKeys);
  LayerKind kind;
  kind.name = text_of(object, "kind");
  kind.count = required(object, "count").integer(1, kMaxLayers);
  kind.prefill = common;
  if (object.has("attention")) kind.prefill.update(attention_of(object["attention"]));
  for (const std::string_view key : {"heads_q", "heads_kv", "head_dim"}) {
    if (!kind.prefill.contains(key)) object.fail(fmt::format("has no \"{}\" in its attention", key));
  }
  kind.decode = kind.prefill;
  kind.decode.update(decode);
  for (const json* attention : {&kind.prefill, &kind.decode}) check_attention(*attention, object.where());
  return kind;
}

}  // namespace

std::span<const std::string_view> model_keys() { return kModelKeys; }
std::span<const std::string_view> layer_kind_keys() { return kLayerKeys; }
std::span<const std::string_view> model_attention_keys() { return kAttentionKeys; }

ModelPreset read_model(const JsonDocument& document, std::string_view name) {
  const JsonReader root(document);
  root.check_keys(kModelKeys);
  ModelPreset model;
  model.name = name;
  model.description = text_of(root, "description");
  model.source = text_of(root, "source");
  model.max_context = required(root, "max_context").integer(1, std::numeric_limits<std::int32_t>::max());
  const json common = attention_of(required(root, "attention"));
  const json decode = root.has("decode") ? attention_of(root["decode"]) : json::object();
  for (const JsonReader& layer : required(root, "layers").one_or_more()) {
    model.layers.push_back(read_layer_kind(layer, common, decode));
    const auto same = std::ranges::count(model.layers, model.layers.back().name, &LayerKind::name);
    if (same > 1) layer["kind"].fail("names two kinds of layers");
  }
  return model;
}

bool is_causal(const ModelPreset& model) {
  return std::ranges::all_of(model.layers,
                             [](const LayerKind& kind) { return kind.prefill.value("causal", false); });
}

}  // namespace flashcore
