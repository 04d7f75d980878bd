// Model presets, and the problems that flags make of them.
#include "config/model_problems.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "attention/problem_fields.hpp"
#include "config/lookup.hpp"
#include "config/plan.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

std::vector<Problem> problems_of(const ModelFlags& flags) {
  JsonDocument document("{}", "x.json");
  apply(flags, document);
  return make_plan(document, "x").problems;
}

Problem named(const ModelFlags& flags, std::string_view name) {
  for (const Problem& problem : problems_of(flags)) {
    if (problem.name == name) return problem;
  }
  ADD_FAILURE() << "no problem " << name;
  return {};
}

// What a preset has to have: layers × heads_q/heads_kv × head_dim, then what is not at its default.
std::string shape_of(const LayerKind& kind) {
  const auto text = [](const nlohmann::json& attention) {
    std::string words = fmt::format("{}/{}x{}", attention["heads_q"].dump(), attention["heads_kv"].dump(),
                                    attention["head_dim"].dump());
    for (const char* key :
         {"head_dim_v", "window_left", "window_right", "chunk", "softcap", "sinks", "seq_kv"}) {
      if (attention.contains(key)) words += fmt::format(" {} {}", key, attention[key].dump());
    }
    if (attention.contains("scale")) words += fmt::format(" scale {:.5f}", attention["scale"].get<double>());
    return words;
  };
  const std::string decode = kind.decode == kind.prefill ? "" : ", decode " + text(kind.decode);
  return fmt::format("{} {}: {}{}", kind.count, kind.name, text(kind.prefill), decode);
}

using Shapes = std::vector<std::string>;

const std::map<std::string, Shapes> kPublished = {
    {"bert-base", {"12 full: 12/12x64"}},
    {"deepseek-v3",
     {"61 full: 128/128x192 head_dim_v 128 scale 0.13523, decode 128/1x576 head_dim_v 512 scale 0.13523"}},
    {"flux.1-dev", {"57 full: 24/24x128"}},
    {"gemma-2-27b",
     {"23 window: 32/16x128 window_left 4095 softcap 50 scale 0.08333",
      "23 full: 32/16x128 softcap 50 scale 0.08333"}},
    {"gemma-3-27b",
     {"52 window: 32/16x128 window_left 1023 scale 0.07715", "10 full: 32/16x128 scale 0.07715"}},
    {"gpt-oss-120b", {"18 window: 64/8x64 window_left 127 sinks true", "18 full: 64/8x64 sinks true"}},
    {"gpt-oss-20b", {"12 window: 64/8x64 window_left 127 sinks true", "12 full: 64/8x64 sinks true"}},
    {"kimi-k2",
     {"61 full: 64/64x192 head_dim_v 128 scale 0.13086, decode 64/1x576 head_dim_v 512 scale 0.13086"}},
    {"llama-3.1-405b", {"126 full: 128/8x128"}},
    {"llama-3.1-70b", {"80 full: 64/8x128"}},
    {"llama-3.1-8b", {"32 full: 32/8x128"}},
    {"llama-4-scout", {"36 chunked: 40/8x128 chunk 8192", "12 full: 40/8x128"}},
    {"mistral-7b-v0.3", {"32 full: 32/8x128"}},
    {"mixtral-8x22b", {"56 full: 48/8x128"}},
    {"modernbert-base", {"14 window: 12/12x64 window_left 64 window_right 64", "8 full: 12/12x64"}},
    {"phi-4", {"40 full: 40/10x128"}},
    {"qwen2.5-7b", {"28 full: 28/4x128"}},
    {"qwen3-235b-a22b", {"94 full: 64/4x128"}},
    {"qwen3-30b-a3b", {"48 full: 32/4x128"}},
    {"qwen3-32b", {"64 full: 64/8x128"}},
    {"qwen3-8b", {"36 full: 32/8x128"}},
    {"qwen3-next-80b-a3b", {"12 full: 16/2x256"}},
    {"siglip-so400m", {"27 full: 16/16x72"}},
    {"vit-b16", {"12 full: 12/12x64"}},
    {"wan2.1-t2v-1.3b", {"30 self: 12/12x128", "30 cross: 12/12x128 seq_kv 512"}},
    {"wan2.1-t2v-14b", {"40 self: 40/40x128", "40 cross: 40/40x128 seq_kv 512"}},
};

TEST(ModelPresets, HaveThePublishedShapesAndASource) {
  const std::vector<std::string> shipped = shipped_models();
  EXPECT_GE(shipped.size(), 15u);
  EXPECT_EQ(shipped.size(), kPublished.size());
  for (const std::string& name : shipped) {
    ASSERT_TRUE(kPublished.contains(name)) << name;
    const ModelPreset model = read_model(load_model_document(name), name);
    Shapes shapes;
    for (const LayerKind& kind : model.layers) shapes.push_back(shape_of(kind));
    EXPECT_EQ(shapes, kPublished.at(name)) << name;
    EXPECT_NE(model.source.find("https://"), std::string::npos) << name;
    EXPECT_EQ(name == "bert-base" || name == "vit-b16" || name.starts_with("wan") ||
                  name == "siglip-so400m" || name == "flux.1-dev" || name == "modernbert-base",
              !is_causal(model))
        << name;
  }
}

TEST(ModelProblems, APhaseIsWhatAServerRuns) {
  const ModelFlags flags{.model = "llama-3.1-70b",
                         .tp = "8",
                         .phases = {"prefill", "decode", "mixed"},
                         .batches = {"32"},
                         .contexts = {"8k"}};
  ASSERT_EQ(problems_of(flags).size(), 3u);
  const Problem prefill = named(flags, "llama-3.1-70b-tp8-prefill-b32-8k");
  EXPECT_EQ(
      problem_flag(prefill),
      "batch=32,heads_q=8,heads_kv=1,seq_q=8192,seq_kv=8192,head_dim=128,dtype=bf16,causal=true,weight=80");
  const Problem decode = named(flags, "llama-3.1-70b-tp8-decode-b32-8k");
  EXPECT_EQ(
      problem_flag(decode),
      "batch=32,heads_q=8,heads_kv=1,seq_q=1,seq_kv=8192,head_dim=128,dtype=bf16,causal=true,kv=paged:16,"
      "weight=80");
  EXPECT_EQ(decode.source, "model llama-3.1-70b-tp8, decode");
  const Problem mixed = named(flags, "llama-3.1-70b-tp8-mixed-b32-8k");
  EXPECT_EQ(lengths_text(*mixed.lengths), "q512s8k_31q1s8k");
  EXPECT_TRUE(mixed.kv.is_paged());
}

TEST(ModelProblems, EachKindOfLayersIsAWeightedProblem) {
  const std::vector<Problem> problems = problems_of({.model = "gemma-3-27b", .contexts = {"1000"}});
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].name, "gemma-3-27b-decode-b8-1000-window");
  EXPECT_EQ(problems[0].window_left, 1023);
  EXPECT_EQ(problems[0].weight, 52);
  EXPECT_EQ(problems[1].weight, 10);
  EXPECT_EQ(problems[1].window_left, -1);
}

TEST(ModelProblems, LatentAttentionHasAFormOfItsOwnForDecoding) {
  const ModelFlags flags{.model = "deepseek-v3",
                         .tp = "8",
                         .phases = {"prefill", "decode", "mixed"},
                         .batches = {"4"},
                         .contexts = {"1k"}};
  EXPECT_EQ(named(flags, "deepseek-v3-tp8-prefill-b4-1k").heads_kv, 16);
  EXPECT_EQ(named(flags, "deepseek-v3-tp8-decode-b4-1k").heads_kv, 1);
  EXPECT_EQ(lengths_text(*named(flags, "deepseek-v3-tp8-mixed-b4-1k-prompts").lengths), "q512s1k");
  const Problem decodes = named(flags, "deepseek-v3-tp8-mixed-b4-1k-decodes");
  EXPECT_EQ(lengths_text(*decodes.lengths), "3q1s1k");
  EXPECT_EQ(decodes.head_dim, 576);
  EXPECT_EQ(decodes.head_dim_v, 512);
}

TEST(ModelProblems, FlagsReplaceDtypeAndCache) {
  const std::vector<Problem> problems =
      problems_of({.model = "phi-4", .kv = "paged:64:sequential", .dtype = "fp16"});
  EXPECT_EQ(problems[0].dtype, Dtype::fp16);
  EXPECT_EQ(problems[0].kv.page_size, 64);
  EXPECT_FALSE(problems_of({.model = "phi-4", .kv = "contiguous"})[0].kv.is_paged());
}

TEST(ModelProblems, FewerKvHeadsThanCardsAreOneEach) {
  const ModelPreset model = read_model(load_model_document("llama-3.1-70b"), "llama-3.1-70b");
  EXPECT_EQ(on_one_card(model, 16).layers[0].prefill["heads_kv"], 1);
  EXPECT_EQ(on_one_card(model, 16).layers[0].prefill["heads_q"], 4);
  EXPECT_EQ(on_one_card(model, 2).layers[0].prefill["heads_kv"], 4);
}

TEST(ModelProblems, WrongFlagsAreNamed) {
  EXPECT_USAGE_ERROR(problems_of({.model = "llama-3.1-70b", .tp = "3"}),
                     "--tp: 3 does not divide the 64 query heads of llama-3.1-70b");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .tp = "4"}), "--tp: 4 neither divides the 10 KV heads");
  EXPECT_USAGE_ERROR(problems_of({.model = "llama-3.1-8"}), "did you mean llama-3.1-8b?");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .contexts = {"17k"}}), "--context: 17408 is more than");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .contexts = {"x"}}), "--context: must be an integer");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .batches = {"0"}}), "--batch: 0 is out of range");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .phases = {"decod"}}), "--phase: unknown word");
  EXPECT_USAGE_ERROR(problems_of({.model = "bert-base", .phases = {"decode"}}),
                     "--phase: bert-base has only");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .dtype = "fp1"}), "--dtype: unknown word");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .kv = "pages"}), "--kv: \"pages\" is neither");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .bins = "3"}), "--bins: needs --trace");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .trace = "no-such-file"}), "--trace: no-such-file");
}

TEST(ModelReader, NamesThePlaceOfAnError) {
  const auto read = [](const char* attention, const char* layers, const char* more = "") {
    return read_model(JsonDocument(fmt::format(R"({{"description": "d", "source": "s", "max_context": 9,
        "attention": {}, "layers": {}{}}})",
                                               attention, layers, more),
                                   "m.json"),
                      "m");
  };
  constexpr const char* kGood = R"({"heads_q": 8, "heads_kv": 2, "head_dim": 64})";
  EXPECT_EQ(read(kGood, R"({"kind": "full", "count": 2})").layers.size(), 1u);
  EXPECT_USAGE_ERROR(read(R"({"heads": 8})", "[]"), "m.json: /attention/heads: unknown key");
  EXPECT_USAGE_ERROR(read(kGood, "[]"), "m.json: /layers");
  EXPECT_USAGE_ERROR(read(kGood, R"([{"kind": "a", "count": 0}])"), "m.json: /layers/0/count");
  EXPECT_USAGE_ERROR(read(kGood, R"([{"kind": "a", "count": 1}, {"kind": "a", "count": 1}])"),
                     "m.json: /layers/1/kind: names two kinds");
  EXPECT_USAGE_ERROR(read(kGood, R"([{"kind": "a", "count": 1, "attention": {"heads_q": 7}}])"), "/layers/0");
  EXPECT_USAGE_ERROR(read(kGood, R"([{"kind": "a", "count": 1}])", R"(, "decode": {"head_dim": [1]})"),
                     "m.json: /decode/head_dim: must be one value");
  EXPECT_USAGE_ERROR(read_model(JsonDocument("{}", "m.json"), "m"), "m.json: needs the key \"description\"");
}

TEST(ModelReader, TheSchemaHasTheSameKeys) {
  const auto path = std::filesystem::path(FLASHCORE_SOURCE_DIR) / "configs/schema/model.schema.json";
  const nlohmann::json schema = nlohmann::json::parse(testing::read_file(path));
  const auto expect = [](const nlohmann::json& object, std::span<const std::string_view> keys) {
    EXPECT_EQ(object["properties"].size(), keys.size());
    for (const std::string_view key : keys) EXPECT_TRUE(object["properties"].contains(key)) << key;
  };
  expect(schema, model_keys());
  expect(schema["definitions"]["layer_kind"], layer_kind_keys());
  expect(schema["definitions"]["attention"], model_attention_keys());
}

TEST(TracedProblems, ARecordedFileBecomesWeightedProblems) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "calls.jsonl").string();
  std::ofstream(path) << R"({"q": [1, 1], "kv": [300, 20]})" << '\n'
                      << R"({"q": [1, 1], "kv": [300, 20]})" << '\n'
                      << R"({"q": [512, 1], "kv": [4096, 7]})" << '\n';
  const std::vector<Problem> problems = problems_of({.model = "llama-3.1-8b", .trace = path});
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].name, "llama-3.1-8b-trace-bin00");
  EXPECT_EQ(lengths_text(*problems[0].lengths), "q512s4k_q1s7");
  EXPECT_EQ(problems[0].weight, 32);
  EXPECT_EQ(problems[0].source, "1 of 3 calls: calls calls.jsonl, line 3");
  EXPECT_EQ(problems[1].weight, 64);
  EXPECT_EQ(problems[1].source, "2 of 3 calls: calls calls.jsonl, line 1");
  EXPECT_EQ(problems_of({.model = "llama-3.1-8b", .trace = path, .bins = "1"}).size(), 1u);
  // Latent attention takes prompts and decodes apart.
  const std::vector<Problem> latent = problems_of({.model = "deepseek-v3", .trace = path});
  ASSERT_EQ(latent.size(), 3u);
  EXPECT_EQ(lengths_text(*latent[0].lengths), "q512s4k");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .phases = {"decode"}, .trace = path}),
                     "--trace: cannot be combined with --phase");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .trace = path, .scheduler = "chunk=1"}),
                     "--scheduler: --trace names recorded calls");
}

TEST(TracedProblems, ASchedulerServesRequests) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "azure.csv").string();
  std::ofstream(path) << "TIMESTAMP,ContextTokens,GeneratedTokens\n0,48,3\n1,31,2\n2,70,4\n";
  const std::vector<Problem> problems = problems_of({.model = "phi-4", .trace = path});
  ASSERT_FALSE(problems.empty());
  EXPECT_NE(problems[0].source.find("scheduler token_budget 8192, max_sequences 256, chunk 8192"),
            std::string::npos);
  const ModelFlags small{.model = "phi-4", .trace = path, .scheduler = "max_sequences=1,steps=1"};
  EXPECT_EQ(lengths_text(*problems_of(small)[0].lengths), "q48");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .trace = path, .scheduler = "chnk=1"}),
                     "--scheduler: \"chnk=1\" must have the form");
  EXPECT_USAGE_ERROR(problems_of({.model = "phi-4", .trace = path, .scheduler = "chunk=x"}),
                     "--scheduler/chunk: must be");
}

}  // namespace
}  // namespace flashcore
