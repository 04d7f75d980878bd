// The JSON schemas of the lengths and of the cache of a problem, as configs and records have them.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attention/kv_cache.hpp"
#include "attention/lengths.hpp"
#include "trace/call.hpp"
#include "trace/length_distribution.hpp"

namespace flashcore::testing {

using SchemaJson = nlohmann::ordered_json;

inline SchemaJson whole(std::int64_t min, std::int64_t max = std::numeric_limits<std::int32_t>::max()) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

inline SchemaJson real(double min, double max) {
  return {{"type", "number"}, {"minimum", min}, {"maximum", max}};
}

inline SchemaJson text_of_form(const std::string& pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

inline SchemaJson path_schema() { return {{"type", "string"}, {"minLength", 1}}; }

inline SchemaJson object_of(SchemaJson properties, std::vector<std::string> required,
                            const char* description) {
  return {{"description", description},
          {"type", "object"},
          {"additionalProperties", false},
          {"required", std::move(required)},
          {"properties", std::move(properties)}};
}

// In records the lengths are always a text, and so is the cache.
inline SchemaJson lengths_text_schema() {
  const std::string segment = "[0-9]*q[0-9]+k?(s[0-9]+k?)?";
  return text_of_form("^" + segment + "(_" + segment + ")*$");
}

inline SchemaJson kv_cache_text_schema() {
  return text_of_form("^(contiguous|paged:[0-9]+(:(shuffled|sequential)(:prefix[0-9]+x[0-9]+)?)?)$");
}

inline SchemaJson list_schema() {
  const SchemaJson list = {{"type", "array"}, {"minItems", 1}, {"items", whole(0)}};
  return object_of({{"q", list}, {"kv", list}}, {"q", "kv"}, "The queries and the keys of every sequence.");
}

// The parameters of a length: a number that all sequences have, or those of the law.
inline SchemaJson range_schema(LengthLaw law) {
  const bool is_zipf = law == LengthLaw::zipf;
  SchemaJson properties;
  std::vector<std::string> required = {"max"};
  if (law == LengthLaw::lognormal) {
    properties = {{"median", {{"type", "number"}, {"exclusiveMinimum", 0}}}, {"sigma", real(0, kMaxSigma)}};
    required.insert(required.end(), {"median", "sigma"});
  }
  if (is_zipf) properties["exponent"] = real(0, kMaxExponent);
  properties["min"] = whole(is_zipf ? 1 : 0);
  properties["max"] = whole(is_zipf ? 1 : 0);
  return {{"oneOf", {whole(0), object_of(properties, required, "The parameters of the distribution.")}}};
}

inline SchemaJson distribution_schema(LengthLaw law) {
  return object_of({{"distribution", {{"const", to_string(law)}}},
                    {"sequences", whole(1, kMaxSequences)},
                    {"seed", whole(0, std::numeric_limits<std::int64_t>::max())},
                    {"kv", range_schema(law)},
                    {"q", range_schema(law)}},
                   {"distribution", "sequences", "seed", "kv", "q"},
                   "Lengths that are drawn from a distribution; the same on every machine.");
}

inline SchemaJson recorded_schema() {
  return object_of(
      {{"batch", lengths_text_schema()}, {"name", {{"type", "string"}}}, {"source", {{"type", "string"}}}},
      {"batch"}, "A recorded call, as the config in a result file has it.");
}

inline SchemaJson calls_schema() {
  return object_of({{"calls", path_schema()}}, {"calls"},
                   "A file of recorded calls: an axis of one call per line.");
}

inline SchemaJson scheduler_schema() {
  constexpr std::int64_t kTokens = std::int64_t{1} << 30;
  const SchemaJson hits = {{"oneOf", {real(0, 1), {{"const", "hash_ids"}}}}};
  return object_of({{"token_budget", whole(1, kTokens)},
                    {"max_sequences", whole(1, std::int64_t{1} << 16)},
                    {"chunk", whole(0, kTokens)},
                    {"prefix_hits", hits},
                    {"seed", whole(0, std::numeric_limits<std::int64_t>::max())}},
                   {"token_budget", "max_sequences"}, "How requests become calls.");
}

inline SchemaJson trace_schema() {
  constexpr std::int64_t kSteps = std::int64_t{1} << 20;
  return object_of({{"trace", path_schema()},
                    {"scheduler", scheduler_schema()},
                    {"steps", whole(1, static_cast<std::int64_t>(kMaxCalls))},
                    {"first_step", whole(0, kSteps)},
                    {"every", whole(1, kSteps)}},
                   {"trace", "scheduler", "steps"},
                   "A trace of requests: an axis of one call per step of a scheduler.");
}

inline SchemaJson lengths_schema() {
  SchemaJson forms = {lengths_text_schema(), list_schema()};
  for (const LengthLaw law : kAll<LengthLaw>) forms.push_back(distribution_schema(law));
  for (const SchemaJson& form : {recorded_schema(), calls_schema(), trace_schema()}) forms.push_back(form);
  return {{"oneOf", std::move(forms)}};
}

inline SchemaJson kv_cache_schema() {
  const SchemaJson prefix =
      object_of({{"sequences", whole(2, kMaxSequences)}, {"keys", whole(1)}}, {"sequences", "keys"},
                "Each group of so many sequences shares the whole pages of so many first keys.");
  const SchemaJson orders = {
      {"enum", std::vector<std::string>(std::begin(kPageOrderWords), std::end(kPageOrderWords))}};
  const SchemaJson paged = object_of({{"layout", {{"const", "paged"}}},
                                      {"page_size", whole(1)},
                                      {"order", orders},
                                      {"shared_prefix", prefix}},
                                     {"layout", "page_size"}, "Pages of a cache, and where they are.");
  const SchemaJson contiguous =
      object_of({{"layout", {{"const", "contiguous"}}}}, {"layout"}, "Keys one after the other.");
  return {{"oneOf", {kv_cache_text_schema(), contiguous, paged}}};
}

}  // namespace flashcore::testing
