#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "attention/problem_fields.hpp"
#include "config/lookup.hpp"
#include "config/plan.hpp"
#include "test_paths.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

Plan plan_of(std::string_view text) { return make_plan(JsonDocument(text, "x.json"), "x"); }

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> all;
  for (const Problem& problem : plan.problems) all.push_back(problem.name);
  return all;
}

using Names = std::vector<std::string>;

TEST(Problems, DefaultsComeFromTheSizes) {
  const Plan plan = plan_of(R"({"problems": [{"heads_q": 8, "seq_q": 512, "head_dim": 128}]})");
  ASSERT_EQ(plan.problems.size(), 1u);
  const Problem& problem = plan.problems.front();
  EXPECT_EQ(problem.batch, 1);
  EXPECT_EQ(problem.heads_kv, 8);
  EXPECT_EQ(problem.seq_kv, 512);
  EXPECT_EQ(problem.scale, default_scale(128));
  EXPECT_EQ(problem.name, problem_id(problem));
  EXPECT_EQ(plan.name, "x");
  EXPECT_TRUE(plan.variants.empty());
}

TEST(Problems, AxesExpandAsAProductAndDefaultsFollow) {
  const Plan plan =
      plan_of(R"({"problems": {"name": "p", "seq_q": [64, 128], "head_dim": [64, 128], "heads_q": [4]}})");
  EXPECT_EQ(names(plan), (Names{"p_q64_d64", "p_q64_d128", "p_q128_d64", "p_q128_d128"}));
  for (const Problem& problem : plan.problems) {
    EXPECT_EQ(problem.seq_kv, problem.seq_q);
    EXPECT_EQ(problem.heads_kv, 4);
    EXPECT_EQ(problem.scale, default_scale(problem.head_dim));
  }
}

TEST(Problems, EveryKeyIsRead) {
  const Plan plan = plan_of(R"({"problems": [{"name": "all", "batch": 2, "heads_q": 6, "heads_kv": 3,
      "seq_q": 5, "seq_kv": 7, "head_dim": 128, "dtype": "bf16", "causal": true, "scale": 0.5,
      "layout": "padded", "window_left": 4, "window_right": 0, "softcap": 30, "lse": true}]})");
  const Problem expected{.name = "all",
                         .batch = 2,
                         .heads_q = 6,
                         .heads_kv = 3,
                         .seq_q = 5,
                         .seq_kv = 7,
                         .head_dim = 128,
                         .dtype = Dtype::bf16,
                         .causal = true,
                         .scale = 0.5,
                         .window_left = 4,
                         .window_right = 0,
                         .softcap = 30,
                         .layout = Layout::padded,
                         .lse = true};
  EXPECT_EQ(plan.problems.front(), expected);
}

TEST(Problems, WordsAndSwitchesBecomeSuffixes) {
  const Plan plan =
      plan_of(R"({"problems": [{"name": "p", "dtype": ["fp16", "bf16"], "causal": [false, true]}]})");
  EXPECT_EQ(names(plan), (Names{"p_fp16_full", "p_fp16_causal", "p_bf16_full", "p_bf16_causal"}));
}

TEST(Problems, OutputsOfE4m3AreAChoice) {
  const Plan plan = plan_of(
      R"({"problems": [{"name": "p", "dtype": "e4m3", "out_dtype": ["fp16", "bf16"]}, {"dtype": "e4m3"},
                       {"name": "q", "dtype": "bf16", "out_dtype": "bf16"}]})");
  EXPECT_EQ(names(plan), (Names{"p_outfp16", "p_outbf16", "b1_hq1_hkv1_q1_kv1_d64_e4m3", "q"}));
  EXPECT_EQ(plan.problems[0].out_dtype, Dtype::fp16);
  EXPECT_EQ(plan.problems[2].out_dtype, Dtype::bf16);
  EXPECT_EQ(plan.problems[3].out_dtype, std::nullopt);
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"out_dtype": "bf16"}]})"),
                     "/problems/0/out_dtype: is bf16, but must be fp16 because dtype is fp16");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"dtype": "e4m3", "out_dtype": "e4m3"}]})"),
                     "/problems/0/out_dtype: unknown word \"e4m3\"");
}

TEST(Problems, NamesMustDiffer) {
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"name": "a"}, {"name": "a", "seq_q": 2}]})"),
                     "x.json: /problems/1: two problems have the name a (the other is x.json: /problems/0)");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"name": "a", "seq_q": [4, 4]}]})"),
                     "x.json: /problems/0: two problems have the name a_q4");
}

TEST(Problems, SizesAreChecked) {
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"seq_q": 0}]})"),
                     "x.json: /problems/0/seq_q: 0 is out of range, it must be from 1 to 2147483647");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"seq_q": [16, -3]}]})"), "/problems/0/seq_q/1: -3 is out of");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"batch": 18446744073709551616}]})"), "/problems/0/batch: ");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"batch": 9223372036854775808}]})"), "is out of range");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"batch": 1.5}]})"), "must be an integer, not 1.5");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"batch": 1e3}]})"), "must be an integer, not 1000.0");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"batch": "1"}]})"), "must be an integer, not \"1\"");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"batch": null}]})"), "must be an integer, not null");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"seq_q": []}]})"), "/problems/0/seq_q: must not be empty");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"heads_q": 8, "heads_kv": 3}]})"),
                     "/problems/0/heads_q: 8 is not a multiple of heads_kv = 3");
  EXPECT_USAGE_ERROR(
      plan_of(R"({"problems": [{"batch": 2147483647, "heads_q": 2147483647, "seq_q": 2147483647}]})"),
      "/problems/0: the product of the sizes exceeds the address space");
}

TEST(Problems, TooManyAreRejectedBeforeExpansion) {
  std::string axis = "[1";
  for (int i = 2; i <= 200; ++i) axis += "," + std::to_string(i);
  axis += "]";
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"seq_q": )" + axis + R"(, "batch": )" + axis + "}]}"),
                     "/problems/0: the axes expand to more than 10000 problems");
}

TEST(Problems, UnknownWordsNameTheNearest) {
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"sed_q": 5}]})"),
                     "x.json: /problems/0/sed_q: unknown key, did you mean seq_q?");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"dtype": "fp61"}]})"),
                     "/problems/0/dtype: unknown word \"fp61\", did you mean fp16?");
  EXPECT_USAGE_ERROR(plan_of(R"({"problems": [{"layout": "bsdh"}]})"), "did you mean bshd?");
}

TEST(Config, BlocksAreRead) {
  const Plan plan = plan_of(R"({"name": "n", "written_for": "L4", "device": "cuda:1", "seed": 7,
      "problems": {}, "variants": ["*"], "baseline": "scalar/*",
      "check": {"enabled": true, "depth": "deep", "yardstick_factor": 3, "max_abs": 0.5, "rel_l2": 0.25},
      "measure": {"clocks": ["call", "hot"], "relative_width": 0.1, "min_samples": 3, "max_samples": 4,
                  "budget_s": 1.5, "pacing": "burst", "warmup_s": 0, "energy_s": 0.5,
                  "repeats": 2},
      "report": {"output": "out/r.json", "formats": ["csv"]}})");
  EXPECT_EQ(plan.name, "n");
  EXPECT_EQ(plan.written_for, "L4");
  EXPECT_EQ(plan.device.kind, DeviceRequest::Kind::cuda);
  EXPECT_EQ(plan.device.index, 1);
  EXPECT_EQ(plan.policy.seed, 7u);
  EXPECT_EQ(plan.baseline, "scalar/*");
  EXPECT_EQ(plan.policy.check_policy.depth, CheckDepth::deep);
  EXPECT_EQ(plan.policy.check_policy.unfused_factor, 3);
  EXPECT_EQ(plan.policy.check_policy.max_abs, 0.5);
  EXPECT_EQ(plan.policy.check_policy.rel_l2, 0.25);
  EXPECT_EQ(plan.policy.measure.modes, (std::vector<TimingMode>{TimingMode::call, TimingMode::hot}));
  EXPECT_EQ(plan.policy.measure.relative_width, 0.1);
  EXPECT_EQ(plan.policy.measure.min_samples, 3);
  EXPECT_EQ(plan.policy.measure.max_samples, 4);
  EXPECT_EQ(plan.policy.measure.budget_s, 1.5);
  EXPECT_EQ(plan.policy.measure.pacing, Pacing::burst);
  EXPECT_EQ(plan.policy.measure.warmup_s, 0);
  EXPECT_EQ(plan.policy.measure.energy_s, 0.5);
  EXPECT_EQ(plan.policy.measure.repeats, 2);
  EXPECT_EQ(plan.report.output, "out/r.json");
  ASSERT_EQ(plan.report.formats.size(), 1u);
  EXPECT_EQ(plan.report.formats[0].name, "csv");
  EXPECT_EQ(plan.report.formats[0].where, "x.json: /report/formats/0");
}

struct Rejected {
  std::string text;
  std::string message;
};

class RejectedConfig : public ::testing::TestWithParam<Rejected> {};

TEST_P(RejectedConfig, NamesThePlace) { EXPECT_USAGE_ERROR(plan_of(GetParam().text), GetParam().message); }

INSTANTIATE_TEST_SUITE_P(
    Config, RejectedConfig,
    ::testing::Values(
        Rejected{"{}", "x.json: needs the key \"problems\""},
        Rejected{"[]", "x.json: must be an object, not an array"},
        Rejected{R"({"problems": []})", "x.json: /problems: must not be empty"},
        Rejected{R"({"problems": {}, "varients": []})", "/varients: unknown key, did you mean variants?"},
        Rejected{R"({"problems": {}, "a/b": 1})", "/a~1b: unknown key"},
        Rejected{R"({"problems": {}, "variants": []})", "/variants: must not be empty"},
        Rejected{R"({"problems": {}, "variants": [{"famly": "x"}]})",
                 "/variants/0/famly: unknown key, did you mean family?"},
        Rejected{R"({"problems": {}, "variants": [{"block_q": "x"}]})",
                 "/variants/0/block_q: must be an integer"},
        Rejected{R"({"problems": {}, "variants": [7]})", "/variants/0: must be a string, not 7"},
        Rejected{R"({"problems": {}, "seed": -1})", "/seed: -1 is out of range"},
        Rejected{R"({"problems": {}, "device": "gpu"})", "/device: unknown device \"gpu\""},
        Rejected{R"({"problems": {}, "device": "cuda:x"})", "/device: \"cuda:x\" is not a device"},
        Rejected{R"({"problems": {}, "name": "a/b"})", "/name: must be a file name"},
        Rejected{R"({"problems": {}, "check": {"enabled": 1}})", "/check/enabled: must be true or false"},
        Rejected{R"({"problems": {}, "check": {"depth": "depp"}})", "did you mean deep?"},
        Rejected{R"({"problems": {}, "check": {"yardstick_factor": 0}})",
                 "/check/yardstick_factor: 0 is out"},
        Rejected{R"({"problems": {}, "measure": {"budget": 1}})",
                 "/measure/budget: unknown key, did you mean budget_s?"},
        Rejected{R"({"problems": {}, "measure": {"clocks": ["hot", "hot"]}})",
                 "/measure/clocks/1: appears twice"},
        Rejected{R"({"problems": {}, "measure": {"min_samples": 0}})", "/measure/min_samples: 0 is out"},
        Rejected{R"({"problems": {}, "measure": {"max_samples": 3}})",
                 "/measure/max_samples: max_samples = 3 is below min_samples = 15"},
        Rejected{R"({"problems": {}, "measure": {"relative_width": 2}})", "/measure/relative_width: must be"},
        Rejected{R"({"problems": {}, "check": {"enabled": false}, "measure": {"clocks": []}})",
                 "nothing to do"},
        Rejected{R"({"problems": {}, "report": {"formats": ["csv", "csv"]}})",
                 "/report/formats/1: named twice"},
        Rejected{R"({"problems": {}, "report": {"formats": []}})", "/report/formats: must not be empty"},
        Rejected{R"({"problems": {}, "report": {"output": "a/"}})", "/report/output: must be a path"}));

TEST(JsonDocument, BrokenTextsNameLineAndColumn) {
  EXPECT_USAGE_ERROR(JsonDocument("{", "x.json"), "x.json: line 1, column 2: truncated JSON");
  EXPECT_USAGE_ERROR(JsonDocument("", "x.json"), "x.json: line 1, column 1: truncated JSON");
  EXPECT_USAGE_ERROR(JsonDocument("{\n  \"a\": x}", "x.json"), "x.json: line 2, column 8: not valid JSON");
  EXPECT_USAGE_ERROR(JsonDocument("{\"a\": 1e999}", "x.json"), "x.json: not valid JSON");
  EXPECT_USAGE_ERROR(JsonDocument("{\"a\": {\"b\": 1, \"b\": 2}}", "x.json"),
                     "x.json: the key \"b\" appears twice in one object");
  EXPECT_NO_THROW(JsonDocument("{\"a\": {\"b\": 1}, \"c\": {\"b\": 2}}", "x.json"));
}

TEST(Lookup, ShippedConfigsAreFoundByBareName) {
  EXPECT_EQ(config_stem("configs/l4.json"), "l4");
  EXPECT_EQ(config_stem("l4"), "l4");
  EXPECT_EQ(load_config("l4").name(), load_config("l4.json").name());
  EXPECT_USAGE_ERROR(load_config("l5"),
                     "--config: l5 is neither a file nor a shipped config, did you mean l4?");
  EXPECT_USAGE_ERROR(load_config("no/such.json"), "shipped configs: ");
}

// e2e/test_config_schema.py checks the shipped configs against the schema.
TEST(ShippedConfigs, PassTheParser) {
  std::set<std::string> seen;
  for (const auto& entry : std::filesystem::directory_iterator(FLASHCORE_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path());
    const std::string stem = entry.path().stem().string();
    seen.insert(stem);
    const Plan plan = make_plan(read_json_document(entry.path()), stem);
    EXPECT_EQ(plan.name, stem);
    EXPECT_FALSE(plan.problems.empty());
    EXPECT_EQ(plan.config.at("$schema"), "schema/config.schema.json");
  }
  for (const char* name : {"default", "l4", "a100", "h100", "ci"}) EXPECT_TRUE(seen.contains(name)) << name;
}

std::set<std::string> schema_keys(const nlohmann::json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.at("properties").items()) keys.insert(key);
  return keys;
}

std::set<std::string> as_set(std::span<const std::string_view> keys) { return {keys.begin(), keys.end()}; }

TEST(Schema, HasTheKeysOfTheParser) {
  std::ifstream file(FLASHCORE_SOURCE_DIR "/configs/schema/config.schema.json");
  const auto schema = nlohmann::json::parse(file);
  const auto& definitions = schema.at("definitions");
  const ConfigKeys keys = config_keys();
  EXPECT_EQ(schema_keys(schema), as_set(keys.root));
  EXPECT_EQ(schema_keys(definitions.at("problem")), as_set(keys.problem));
  EXPECT_EQ(schema_keys(definitions.at("check")), as_set(keys.check));
  EXPECT_EQ(schema_keys(definitions.at("measure")), as_set(keys.measure));
  EXPECT_EQ(schema_keys(definitions.at("report")), as_set(keys.report));
  EXPECT_EQ(schema_keys(definitions.at("tune")), as_set(keys.tune));
  EXPECT_EQ(schema_keys(definitions.at("tune").at("properties").at("limits")), as_set(keys.limits));
  // The schema does not list numeric attributes, so that a new one needs no change there.
  std::set<std::string> attributes = as_set(attribute_names());
  std::erase_if(attributes, [](const std::string& name) { return is_numeric_attribute(name); });
  EXPECT_EQ(schema_keys(definitions.at("term").at("oneOf").at(1)), attributes);
}

}  // namespace
}  // namespace flashcore
