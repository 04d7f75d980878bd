#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "record/ranking.hpp"
#include "render/html.hpp"
#include "render/page_data.hpp"
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

Json data_of(const std::string& configured, const std::string& asked) {
  const ResultFile files[] = {sample_file(configured)};
  return page_data(files, asked);
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

TEST(Ranking, SameSizesUnderAnotherNameAreAnotherProblem) {
  Problem other = sample_problem();
  other.name = "other";
  const auto groups = by_problem(
      {ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 9), ok_record(other, "mma", {64, 64, 4, 2}, 9)});
  EXPECT_EQ(groups.size(), 2U);
}

TEST(PageData, RecordsKeepTheirFieldsButNotTheirSamples) {
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

// The problem with one field changed.
Problem with_other(const ProblemField& field, Problem problem) {
  std::visit(
      [&](auto member) {
        auto& value = problem.*member;
        using Value = std::remove_reference_t<decltype(value)>;
        if constexpr (requires { value.has_value(); }) {
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
  return page_data(files, "")["problems"][0]["curves"];
}

TEST(PageData, ProblemsOfACurveDifferInTheirLengthOnly) {
  Problem e4m3 = sample_problem();
  e4m3.dtype = Dtype::e4m3;
  settle(e4m3);
  for (const ProblemField& field : problem_fields()) {
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
  EXPECT_EQ(page_data(files, "")["families"].dump(),
            R"([{"name":"mma","role":"ladder"},{"name":"others","role":"peer"}])");
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
  const std::string page = html_report(page_data(files, ""), kSmallPage);
  expect_contains(page, "{{script}}");
  expect_contains(page, "chart&lt;license&gt;draw()");
  EXPECT_EQ(page.find("<i>"), std::string::npos);
}

TEST(Html, MissingLibraryNamesItsPackage) {
  PageAssets assets = kSmallPage;
  assets.chart_library = "";
  const ResultFile files[] = {sample_file("")};
  try {
    html_report(page_data(files, ""), assets);
    FAIL() << "should have thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::environment);
    expect_contains(error.what(), "libjs-chart.js");
  }
}

}  // namespace
}  // namespace flashcore
