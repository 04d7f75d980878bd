#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/json_text.hpp"
#include "compare/comparison.hpp"
#include "record/ranking.hpp"
#include "render/html.hpp"
#include "render/page_data.hpp"
#include "render/page_record.hpp"
#include "results/record_json.hpp"
#include "unit/support/sample_records.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;
using testing::ok_record;
using testing::sample_problem;
using testing::sample_records;

ResultFile sample_file(const std::string& baseline) {
  return {.path = "results/a.json",
          .environment = {{"device", {{"name", "<i>device</i>"}}}},
          .config = {{"baseline", baseline}},
          .records = sample_records()};
}

Json page_of(std::span<const ResultFile> files, const std::string& baseline = "",
             const PageLimits& limits = {}) {
  const JsonText text = [](const Json& json) { return json_text(json); };
  return Json::parse(page_data({.files = files, .baseline = baseline}, limits, text));
}

Json data_of(const std::string& configured, const std::string& asked) {
  const ResultFile files[] = {sample_file(configured)};
  return page_of(files, asked);
}

std::string baseline_variant(const Json& page, std::size_t problem) {
  return page["records"][page["problems"][problem]["baseline"].get<std::size_t>()]["variant"];
}

TEST(Ranking, ProblemsAreGroupedThoughTheirRecordsAreScattered) {
  const std::vector<Record> records = sample_records();
  std::vector<Record> scattered;
  for (std::size_t i = 0; i < records.size(); ++i) scattered.push_back(records[(i * 5) % records.size()]);
  const auto groups = by_problem(scattered);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].size() + groups[1].size(), records.size());
  for (const auto& group : groups) {
    for (const Record& record : group) EXPECT_EQ(record.problem, group.front().problem);
  }
}

TEST(Ranking, GroupsAreViewsOfTheirRecordsUnlessThoseAreScattered) {
  const std::vector<Record> records = sample_records();
  const ProblemGroups groups(records);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].data(), records.data());
  EXPECT_EQ(groups[1].data(), records.data() + groups[0].size());
  EXPECT_EQ(groups[0].size() + groups[1].size(), records.size());

  const std::vector<Record> scattered = {records[0], groups[1][0], records[1]};
  const ProblemGroups copies(scattered);
  ASSERT_EQ(copies.size(), 2U);
  EXPECT_EQ(copies[0].size(), 2U);
  EXPECT_EQ(copies[0][1].variant_id(), records[1].variant_id());
  EXPECT_EQ(ProblemGroups(std::span<const Record>()).size(), 0U);
}

TEST(Ranking, SameSizesUnderAnotherNameAreAnotherProblem) {
  Problem other = sample_problem();
  other.name = "other";
  const auto groups = by_problem(
      {ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 9), ok_record(other, "mma", {64, 64, 4, 2}, 9)});
  EXPECT_EQ(groups.size(), 2U);
}

TEST(PageData, RecordsKeepTheirFieldsAndByDefaultNotTheirSamples) {
  const Json page = data_of("", "");
  ASSERT_EQ(page["records"].size(), sample_records().size());
  ASSERT_EQ(page["problems"].size(), 2U);
  const Json& record = page["records"][0];
  EXPECT_EQ(record["problem"], 0);
  EXPECT_EQ(record["timing"]["hot_us"]["median"], 412.5);
  EXPECT_FALSE(record["timing"]["hot_us"].contains("samples"));
  EXPECT_EQ(record["resources"]["smem_bytes"], 1024 + 27648);
  EXPECT_EQ(page["problems"][0]["flops"], flops(sample_problem()));
  EXPECT_EQ(page["files"][0]["environment"]["device"]["name"], "<i>device</i>");
}

// The sample records and a slower one of a family.
ResultFile file_with_a_slower_variant() {
  ResultFile file = sample_file("");
  file.records.push_back(ok_record(sample_problem(), "mma", {32, 64, 4, 2}, 1e6));
  return file;
}

TEST(PageData, SamplesAreThereAsFarAsTheLimitAllows) {
  const ResultFile files[] = {file_with_a_slower_variant()};
  const auto with_samples = [&](std::size_t limit, const char* timing) {
    const Json page = page_of(files, "", {.samples = limit});
    return std::ranges::count_if(page["records"], [&](const Json& record) {
      return record.contains(Json::json_pointer(std::string("/timing/") + timing + "/samples"));
    });
  };
  std::size_t all = 0;
  std::size_t hot = 0;
  std::set<std::pair<std::string, std::string>> families;
  for (const Record& record : files[0].records) {
    for (const TimingMode mode : kAll<TimingMode>) {
      if (record.timings[mode]) all += record.timings[mode]->samples.size();
    }
    hot += record.timings[TimingMode::hot] ? 1 : 0;
    if (is_timed(record)) families.insert({record.problem.name, record.family});
  }
  ASSERT_GT(hot, families.size());
  EXPECT_EQ(with_samples(all, "hot_us"), static_cast<std::ptrdiff_t>(hot));
  EXPECT_GT(with_samples(all, "cold_us"), 0);
  EXPECT_EQ(with_samples(all - 1, "hot_us"), static_cast<std::ptrdiff_t>(families.size()));
  EXPECT_EQ(with_samples(all - 1, "cold_us"), 0);
  EXPECT_EQ(with_samples(1, "hot_us"), 0);
}

TEST(PageData, OfManyRecordsTheFastestTheBaselineAndTheFailedStay) {
  const ResultFile files[] = {file_with_a_slower_variant()};
  const std::size_t all = files[0].records.size();
  EXPECT_EQ(page_of(files, "", {.records = all})["records"].size(), all);
  const Json page = page_of(files, "", {.records = all - 1});
  EXPECT_LT(page["records"].size(), all);
  EXPECT_EQ(page["files"][0]["records"], all);
  std::set<std::pair<std::size_t, std::string>> rows;
  for (const Json& record : page["records"]) {
    const std::string status = record["status"];
    EXPECT_NE(status, "unsupported");
    if (status != "ok") continue;
    const bool is_new = rows.emplace(record["problem"], record["family"]).second;
    EXPECT_TRUE(is_new) << record.dump();
  }
  EXPECT_EQ(baseline_variant(page, 0), sample_records().front().variant_id());
}

TEST(PageData, ProblemsSayHowTheyStand) {
  std::vector<Record> records = {ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10),
                                 ok_record(sample_problem(), "peer_fa3", {64, 64, 4, 2}, 20)};
  records[1].role = Role::peer;
  const ResultFile files[] = {{.records = records}};
  const Json page = page_of(files);
  const Json& standing = page["problems"][0]["standing"];
  EXPECT_EQ(standing["over"], "peer");
  EXPECT_EQ(standing["outcome"], "won");
  EXPECT_EQ(standing["ratio"], 2.0);
  EXPECT_EQ(standing["clock"], "hot_us");
  EXPECT_EQ(standing["text"].get<std::string>().substr(0, 5), "2.00 ");
  EXPECT_EQ(page["families"][1]["label"], "FA3");
  const ResultFile alone[] = {{.records = {records[0]}}};
  EXPECT_FALSE(page_of(alone)["problems"][0].contains("standing"));
}

TEST(PageData, NamesFilesAndPathsByTheirLastParts) {
  ResultFile file = sample_file("");
  file.path = "/home/someone/results/a.json";
  file.environment["command_line"] = {"/opt/bench", "--output=/home/someone/out", "wgmma/*", "relative/x"};
  const ResultFile files[] = {file};
  const Json page = page_of(files);
  EXPECT_EQ(page["files"][0]["name"], "a.json");
  EXPECT_EQ(page["files"][0]["environment"]["command_line"].dump(),
            R"(["bench","--output=out","wgmma/*","relative/x"])");
  EXPECT_EQ(page.dump().find("someone"), std::string::npos);
}

// The problem with one field changed.
Problem with_other(const ProblemField& field, Problem problem) {
  std::visit(
      [&](auto member) {
        auto& value = problem.*member;
        using Value = std::remove_reference_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::optional<Lengths>>) {
          value = Lengths{.q = {1, 512}, .kv = {2, 512}};
        } else if constexpr (std::is_same_v<Value, KvCache>) {
          value = {.layout = KvKind::paged, .page_size = 16};
        } else if constexpr (requires { value.has_value(); }) {
          using Inner = typename Value::value_type;
          value = static_cast<Inner>(std::is_enum_v<Inner> ? 0 : 1);  // fp16: not what e4m3 gives by default
        } else if constexpr (std::is_same_v<Value, bool>) {
          value = !value;
        } else if constexpr (std::is_enum_v<Value>) {
          value = static_cast<Value>(1);
        } else {
          value += 3;
        }
      },
      field.member);
  if (problem.mask == MaskKind::chunk) problem.chunk = 64;
  return problem;
}

Json curves_of_problem(const Problem& problem) {
  const ResultFile files[] = {{.records = {ok_record(problem, "mma", {64, 64, 4, 2}, 9)}}};
  return page_of(files)["problems"][0]["curves"];
}

TEST(PageData, ProblemsOfACurveDifferInTheirLengthOnly) {
  Problem e4m3 = sample_problem();
  e4m3.dtype = Dtype::e4m3;
  normalize(e4m3);
  for (const ProblemField& field : problem_fields()) {
    if (!field.is_compared) continue;
    const Problem& problem = field.name == "out_dtype" ? e4m3 : sample_problem();
    const Json curves = curves_of_problem(problem);
    const Json others = curves_of_problem(with_other(field, problem));
    EXPECT_NE(curves["same_batch"], others["same_batch"]) << field.name;
    EXPECT_NE(curves["same_tokens"], others["same_tokens"]) << field.name;
  }
}

TEST(PageData, LongerSequencesStayOnTheirCurve) {
  Problem longer = sample_problem();
  longer.seq_q = longer.seq_kv = 2 * longer.seq_q;
  EXPECT_EQ(curves_of_problem(longer)["same_batch"], curves_of_problem(sample_problem())["same_batch"]);
  EXPECT_NE(curves_of_problem(longer)["same_tokens"], curves_of_problem(sample_problem())["same_tokens"]);
  Problem wider = sample_problem();
  wider.batch *= 2;
  EXPECT_EQ(curves_of_problem(longer)["same_tokens"], curves_of_problem(wider)["same_tokens"]);

  Problem decode = sample_problem();
  decode.seq_q = 1;
  Problem decode_longer = decode;
  decode_longer.seq_kv *= 2;
  EXPECT_EQ(curves_of_problem(decode), curves_of_problem(decode_longer));
}

TEST(PageData, FamiliesHaveTheirRole) {
  std::vector<Record> records = {ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 9),
                                 ok_record(sample_problem(), "others", {64, 64, 4, 2}, 9),
                                 ok_record(sample_problem(), "mma", {32, 64, 4, 2}, 9)};
  records[1].role = Role::peer;
  const ResultFile files[] = {{.records = records}};
  EXPECT_EQ(
      page_of(files)["families"].dump(),
      R"([{"name":"mma","role":"ladder","label":"mma"},{"name":"others","role":"peer","label":"others"}])");
}

TEST(PageData, RooflineNamesItsClock) {
  std::vector<Record> records = sample_records();
  std::erase_if(records, [](const Record& record) { return !record.roofline; });
  ASSERT_EQ(records.size(), 1U);
  records.push_back(records[0]);
  records[1].timings[TimingMode::cold].reset();
  const ResultFile files[] = {{.records = records}};
  const Json page = page_of(files);
  EXPECT_EQ(page["records"][0]["roofline"]["clock"], "cold_us");
  EXPECT_EQ(page["records"][1]["roofline"]["clock"], "hot_us");
  ASSERT_EQ(page["clocks"].size(), std::size(kTimingModes));
  EXPECT_EQ(page["clocks"][0].dump(), R"({"field":"hot_us","name":"hot"})");
}

TEST(PageData, RecordsOfTheParetoSetAreMarked) {
  std::vector<Record> records;
  for (const auto& [us, joules] : {std::pair(10.0, 4.0), {11.0, 5.0}, {12.0, 2.0}}) {
    records.push_back(
        ok_record(sample_problem(), "mma", {64, 64, 4, static_cast<int>(records.size()) + 1}, us));
    records.back().energy_per_call_j = joules;
  }
  const ResultFile files[] = {{.records = records}};
  const Json page = page_of(files);
  EXPECT_EQ(page["records"][0]["energy_per_call_j"], 4.0);
  EXPECT_TRUE(page["records"][0].contains("pareto"));
  EXPECT_FALSE(page["records"][1].contains("pareto"));
  EXPECT_TRUE(page["records"][2].contains("pareto"));
  records.resize(1);
  const ResultFile alone[] = {{.records = records}};
  EXPECT_FALSE(page_of(alone)["records"][0].contains("pareto"));
}

TEST(PageData, ShownFieldsAreFieldsOfResultFiles) {
  std::vector<Json> records;
  for (const Record& record : sample_records()) records.push_back(to_json(record));
  for (const std::string_view field : shown_fields()) {
    const Json::json_pointer pointer{std::string(field)};
    EXPECT_TRUE(std::ranges::any_of(records, [&](const Json& record) { return record.contains(pointer); }))
        << field;
  }
}

// The names of an object's parts, at any depth.
std::set<std::string> names_in(const Json& json) {
  std::set<std::string> names;
  for (const auto& [name, value] : json.items()) {
    if (!json.is_object()) break;
    names.insert(name);
    names.merge(names_in(value));
  }
  return names;
}

std::string page_scripts() {
  std::string scripts;
  const auto folder = std::filesystem::path(FLASHCORE_SOURCE_DIR) / "src/render/page";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".js") scripts += testing::read_file(entry.path());
  }
  return scripts;
}

// A field that the page's data has must be one that a script reads: a name that was changed on one side shows here.
TEST(PageData, ScriptsReadEveryFieldOfARecord) {
  const Json page = data_of("", "");
  std::set<std::string> names;
  for (const Json& record : page["records"]) names.merge(names_in(record));
  for (const Json& clock : page["clocks"]) names.erase(clock["field"].get<std::string>());
  EXPECT_GE(names.size(), 20U);
  const std::string scripts = page_scripts();
  for (const std::string& name : names) {
    EXPECT_TRUE(std::regex_search(scripts, std::regex("\\b" + name + "\\b"))) << name;
  }
}

TEST(PageData, ScriptsKnowEveryVerdictAndOutcome) {
  const std::string scripts = page_scripts();
  for (const Verdict verdict : kAll<Verdict>) {
    expect_contains(scripts, fmt::format("\"{}\"", to_string(verdict)));
    expect_contains(scripts, fmt::format("{}: \"", to_string(verdict)));  // its sign
  }
  for (const Outcome outcome : kAll<Outcome>) {
    expect_contains(scripts, fmt::format("{}: \"", to_string(outcome)));
  }
}

TEST(PageData, BaselineIsTheAskedOneThenTheConfiguredThenTheFirst) {
  const std::string first = sample_records().front().variant_id();
  EXPECT_EQ(baseline_variant(data_of("", ""), 0), first);
  EXPECT_EQ(baseline_variant(data_of("wmma_async/*", ""), 0), "wmma_async/fp16_d64_q64_kv64_w4_s2");
  EXPECT_EQ(baseline_variant(data_of("wmma_async/*", "mma/*"), 0), "mma/fp16_d64_q64_kv64_w4_s2");
  EXPECT_EQ(baseline_variant(data_of("nothing/*", ""), 0), first);
}

TEST(PageData, ScriptSafeTextEndsNoElementAndParsesToTheSame) {
  const Json json = {{"name", "</script><!-- & \u2028 \u2029 µ"}};
  const std::string text = script_safe(json);
  for (const char c : text) {
    EXPECT_EQ(std::string("<>&").find(c), std::string::npos) << text;
    EXPECT_GE(c, 0) << text;
  }
  EXPECT_EQ(Json::parse(text), json);
}

constexpr PageAssets kSmallPage = {
    .page = "<p>{{version}}</p>{{style}}{{data}}{{chart_library}}{{chart_license}}{{script}}",
    .style = "{{script}}",
    .script = "draw()",
    .chart_library = "chart",
    .chart_license = "<license>"};

TEST(Html, PartsAreFilledInOnce) {
  const ResultFile files[] = {sample_file("")};
  const std::string page =
      html_report(page_data({.files = files, .baseline = ""}, {}, script_safe), kSmallPage);
  expect_contains(page, "{{script}}");
  expect_contains(page, "chart&lt;license&gt;draw()");
  EXPECT_EQ(page.find("<i>"), std::string::npos);
}

TEST(Html, MissingLibraryNamesItsPackage) {
  PageAssets assets = kSmallPage;
  assets.chart_library = "";
  const ResultFile files[] = {sample_file("")};
  try {
    html_report(page_data({.files = files, .baseline = ""}, {}, script_safe), assets);
    FAIL() << "should have thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::environment);
    expect_contains(error.what(), "libjs-chart.js");
  }
}

}  // namespace
}  // namespace flashcore
