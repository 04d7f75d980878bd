// The table of problem fields, and everything that must agree with it: published schemas, JSON, ids, the C
// structs.
#include "attention/problem_fields.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "capi/convert.hpp"
#include "config/problem_reader.hpp"
#include "library/arguments.hpp"
#include "results/record_json.hpp"
#include "unit/attention/sequence_schemas.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using Json = nlohmann::ordered_json;

// --- Problems with one field away from its default

// A value that is not the field's default, as in --problem.
std::string other_value(const ProblemField& field) {
  if (field.name == "out_dtype") return "fp16";
  if (field.name == "mask") return "bits";
  if (field.name == "lengths") return "q5_2q7s9";
  if (field.name == "kv") return "paged:4";
  if (!field.allowed_words().empty()) return std::string(field.allowed_words()[1]);
  return field.is_number() ? "8" : "true";
}

// A --problem flag that sets the field, and other fields that it requires.
std::string flag_with(const ProblemField& field) {
  std::string flag = "heads_q=8,seq_q=16";
  if (field.name == "heads_q" || field.name == "seq_q") flag = "batch=1";
  if (field.name == "lengths") flag = "heads_q=8";
  if (field.name == "out_dtype") flag += ",dtype=e4m3";
  if (field.name == "chunk") flag += ",mask=chunk";
  const std::string value = field.name == "heads_kv" ? "4" : other_value(field);
  return flag + "," + std::string(field.name) + "=" + value;
}

Problem problem_of(const std::string& flag) {
  const JsonDocument document(problem_from_flag(flag).dump(), "--problem");
  return read_problems(JsonReader(document)).front().problem;
}

TEST(ProblemFields, NamesAndMembersAreUnique) {
  std::set<std::string_view> names;
  for (const ProblemField& field : problem_fields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_EQ(find_problem_field(field.name), &field);
    EXPECT_FALSE(field.meaning.empty()) << field.name;
  }
  EXPECT_EQ(find_problem_field("seq"), nullptr);
}

TEST(ProblemFields, AFieldAwayFromItsDefaultIsInIdFlagAndJson) {
  for (const ProblemField& field : problem_fields()) {
    const Problem problem = problem_of(flag_with(field));
    EXPECT_TRUE(field.always_in_id || !is_default(field, problem)) << field.name;
    EXPECT_EQ(problem_id(problem).find(id_part(field, problem)) != std::string::npos, field.is_compared)
        << problem_id(problem);
    EXPECT_EQ(problem_of(problem_flag(problem)), problem) << problem_flag(problem);
    const JsonDocument json(to_json(problem).dump(), "problem");
    EXPECT_EQ(problem_from_json(JsonReader(json)), problem) << to_json(problem).dump();
  }
}

TEST(ProblemFields, DifferentProblemsHaveDifferentIds) {
  std::set<std::string> ids = {problem_id(problem_of("heads_q=8,seq_q=16"))};
  for (const ProblemField& field : problem_fields()) ids.insert(problem_id(problem_of(flag_with(field))));
  EXPECT_GE(ids.size(), problem_fields().size());
}

TEST(ProblemFields, AWeightIsKeptButNotCompared) {
  const Problem one = problem_of("heads_q=8,seq_q=16");
  Problem problem = problem_of("heads_q=8,seq_q=16,weight=2.5");
  EXPECT_EQ(problem.weight, 2.5);
  EXPECT_EQ(problem.name, one.name);
  EXPECT_EQ(problem, one);
  EXPECT_EQ(problem_sizes(problem), problem_sizes(one));
  EXPECT_EQ(distance(problem, one), Distance());
  const JsonDocument json(to_json(problem).dump(), "problem");
  EXPECT_EQ(problem_from_json(JsonReader(json)).weight, 2.5);
  EXPECT_FALSE(to_json(one).contains("weight"));
  EXPECT_EQ(problem_of(problem_flag(problem)).weight, 2.5);
  EXPECT_THROW(problem_of("heads_q=8,seq_q=16,weight=0"), UsageError);
}

TEST(ProblemFields, DefaultsAreOmitted) {
  const Problem problem = problem_of("heads_q=8,seq_q=16");
  EXPECT_EQ(problem_id(problem), "b1_hq8_hkv8_q16_kv16_d64_fp16");
  EXPECT_EQ(problem_sizes(problem), "batch 1, heads 8, seq 16, head_dim 64, fp16");
  EXPECT_FALSE(to_json(problem).contains("head_dim_v"));
  EXPECT_TRUE(to_json(problem).contains("window_left"));
}

TEST(ProblemFields, DistanceOrdersMismatchesBeforeSizes) {
  const Problem asked = problem_of("heads_q=8,seq_q=1024,causal=true");
  const auto from = [&](const char* flag) { return distance(problem_of(flag), asked); };
  EXPECT_LT(*from("heads_q=8,seq_q=4096,causal=true"), *from("heads_q=8,seq_q=1024,causal=true,softcap=30"));
  EXPECT_LT(*from("heads_q=8,seq_q=4096,causal=true"), *from("heads_q=8,seq_q=1024,causal=true,lse=true"));
  EXPECT_LT(*from("heads_q=8,seq_q=4096,causal=true"), *from("heads_q=8,seq_q=1024,causal=true,layout=bshd"));
  EXPECT_EQ(*from("heads_q=8,seq_q=1024,window_right=0"), Distance());  // the same mask as causal
  EXPECT_FALSE(from("heads_q=8,seq_q=1024").has_value());
  EXPECT_FALSE(from("heads_q=8,seq_q=1024,causal=true,window_left=9").has_value());
  EXPECT_FALSE(from("heads_q=8,seq_q=1024,causal=true,dtype=bf16").has_value());
}

// --- The published schemas

bool is_lengths(const ProblemField& field) {
  return std::holds_alternative<std::optional<Lengths> Problem::*>(field.member);
}
bool is_kv_cache(const ProblemField& field) {
  return std::holds_alternative<KvCache Problem::*>(field.member);
}

Json value_schema(const ProblemField& field) {
  if (!field.allowed_words().empty()) {
    const auto words = field.allowed_words();
    return {{"enum", std::vector<std::string>(words.begin(), words.end())}};
  }
  if (is_lengths(field)) return testing::lengths_text_schema();
  if (is_kv_cache(field)) return testing::kv_cache_text_schema();
  if (!field.is_number()) return {{"type", "boolean"}};
  if (std::holds_alternative<double Problem::*>(field.member)) {
    return {{"type", "number"}, {"minimum", field.min}, {"maximum", field.max}};
  }
  return {{"type", "integer"},
          {"minimum", static_cast<std::int64_t>(field.min)},
          {"maximum", static_cast<std::int64_t>(field.max)}};
}

// Configs take more forms than records have; these are definitions of their own.
Json config_value_schema(const ProblemField& field) {
  if (is_lengths(field)) return {{"$ref", "#/definitions/lengths"}};
  return is_kv_cache(field) ? Json{{"$ref", "#/definitions/kv_cache"}} : value_schema(field);
}

// The value that a field has when no key names it; null where that follows from other fields.
Json default_value(const ProblemField& field) {
  const std::string name(field.name);
  const Json absent = to_json(Problem());
  const Json others_given = to_json(problem_of("heads_q=8,seq_q=16,head_dim=32"));
  const bool is_given = name == "heads_q" || name == "seq_q" || name == "head_dim";
  return is_given || others_given.value(name, Json()) == absent.value(name, Json())
             ? absent.value(name, Json())
             : Json();
}

// What scripts need beside a value's type: its part of a made-up name, and whether only some families compute it.
void add_annotations(Json& property, const ProblemField& field) {
  if (std::holds_alternative<bool Problem::*>(field.member)) {
    property["x-id"] = {field.id_false, field.id};
  } else {
    property["x-id"] = field.id;
  }
  if (field.always_in_id) property["x-always-in-id"] = true;
  if (field.support == Support::opt_in) property["x-only-some-families"] = true;
}

Json config_problem_schema() {
  Json properties;
  properties["name"] = {
      {"description",
       "The name of the problem in results. The values of axes with more than one value are appended."},
      {"type", "string"},
      {"minLength", 1}};
  properties["source"] = {
      {"description",
       "Where the lengths come from, in a line; results have it. Lengths that name their source replace it."},
      {"type", "string"}};
  for (const ProblemField& field : problem_fields()) {
    const Json one = config_value_schema(field);
    const Json axis = {{"type", "array"}, {"minItems", 1}, {"items", one}};
    Json property = {{"description", field.meaning}};
    if (Json value = default_value(field); !value.is_null()) property["default"] = std::move(value);
    property["oneOf"] = {one, axis};
    add_annotations(property, field);
    properties[std::string(field.name)] = std::move(property);
  }
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

Json record_problem_schema() {
  Json required = {"name"};
  Json properties = {{"name", {{"type", "string"}}}, {"source", {{"type", "string"}}}};
  for (const ProblemField& field : problem_fields()) {
    if (field.required) required.push_back(field.name);
    properties[std::string(field.name)] = value_schema(field);
  }
  return {{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(properties)}};
}

// FLASHCORE_UPDATE_GOLDEN=1 updates the file, like the golden files.
void expect_definition(const std::string& file, const std::string& name, const Json& definition) {
  const auto path = std::filesystem::path(FLASHCORE_SOURCE_DIR) / "configs/schema" / file;
  Json schema = Json::parse(testing::read_file(path));
  if (std::getenv("FLASHCORE_UPDATE_GOLDEN") != nullptr) {
    schema["definitions"][name] = definition;
    std::ofstream(path) << schema.dump(2) << '\n';
  }
  EXPECT_EQ(schema["definitions"][name].dump(2), definition.dump(2)) << file << " " << name;
}

TEST(ProblemFields, TheSchemasAgree) {
  expect_definition("config.schema.json", "problem", config_problem_schema());
  expect_definition("config.schema.json", "lengths", testing::lengths_schema());
  expect_definition("config.schema.json", "kv_cache", testing::kv_cache_schema());
  expect_definition("result.schema.json", "problem", record_problem_schema());
}

// --- The C interface

TEST(ProblemFields, TheCInterfaceHasEveryFieldThatAllFamiliesSupport) {
  for (const ProblemField& field : problem_fields()) {
    if (field.support == Support::opt_in || !field.is_compared) continue;
    Problem problem = problem_of(flag_with(field));
    AttentionArgs args = attention_args(problem);
    float lse = 0;
    if (problem.lse) args.lse = &lse;
    flashcore_attention c = to_c(args, problem.dtype);
    Problem back = checked_problem(&c);
    back.name = problem.name;
    problem.scale = back.scale = static_cast<float>(problem.scale);
    EXPECT_EQ(mask_of(back), mask_of(problem)) << field.name;
    back.causal = problem.causal, back.window_right = problem.window_right;  // the same mask either way
    EXPECT_EQ(problem_flag(back), problem_flag(problem)) << field.name;
  }
}

TEST(ProblemFields, Version2OfTheCInterfaceHasEveryField) {
  for (const ProblemField& field : problem_fields()) {
    if (!field.is_compared) continue;
    Problem problem = problem_of(flag_with(field));
    AttentionArgs args = attention_args(problem);
    static float values = 0;  // only its address counts
    if (problem.lse) args.lse = &values;
    if (problem.sinks) args.sinks = &values;
    const flashcore_attention_v2 c = to_c_v2(args, problem.dtype);
    Problem back = checked_request(&c).problem;
    EXPECT_EQ(mask_of(back), mask_of(problem)) << field.name;
    EXPECT_EQ(is_default(field, back), is_default(field, problem)) << field.name;
    if (problem.lengths) {  // the interface has those of the longest sequence for all
      EXPECT_EQ(lengths_text(*back.lengths), "3q7s9");
      back.lengths = problem.lengths;
    }
    problem.scale = back.scale = static_cast<float>(problem.scale);
    back.name = problem.name;
    back.causal = problem.causal, back.window_right = problem.window_right;  // the same mask either way
    EXPECT_EQ(problem_flag(back), problem_flag(problem)) << field.name;
  }
}

}  // namespace
}  // namespace flashcore
