#include "report/record_json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/error.hpp"
#include "report/result_file.hpp"
#include "unit/sample_records.hpp"
#include "unit/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;
using testing::ok_record;
using testing::sample_problem;

std::string document(const std::string& records, const std::string& version = "1") {
  return "{\"schema_version\":" + version + ",\"records\":[" + records + "]}";
}

Record reread(const Record& record) {
  return parse_results(document(to_json(record).dump()), "test.json").records.at(0);
}

// The complaint about a document, or an empty text.
std::string complaint(const std::string& text) {
  try {
    parse_results(text, "base.json");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// The complaint about a good record in which one value was replaced.
std::string complaint_with(const std::string& pointer, const Json& value) {
  Json json = to_json(ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10));
  json[Json::json_pointer(pointer)] = value;
  return complaint(document(json.dump()));
}

TEST(RecordJson, EveryKindOfRecordComesBackTheSame) {
  for (const Record& record : testing::sample_records()) {
    const Record back = reread(record);
    // Every field that is written takes part: equal texts are equal records.
    EXPECT_EQ(to_json(back).dump(), to_json(record).dump());
    EXPECT_EQ(back.problem, record.problem);
    EXPECT_EQ(back.variant_id(), record.variant_id());
    EXPECT_EQ(back.reason, record.reason);
    ASSERT_EQ(back.hot_us.has_value(), record.hot_us.has_value());
    if (record.hot_us) {
      EXPECT_EQ(back.hot_us->samples, record.hot_us->samples);
    }
    ASSERT_EQ(back.check.has_value(), record.check.has_value());
    if (record.check) {
      EXPECT_EQ(back.check->error.worst_index, record.check->error.worst_index);
    }
  }
}

TEST(RecordJson, ProblemsKeepWhatIsNotDefault) {
  Problem problem = sample_problem();
  problem.scale = 0;  // a scale of zero is no missing scale
  problem.window_left = 128;
  problem.window_right = 0;
  problem.softcap = 30;
  problem.layout = Layout::padded;
  problem.lse = true;
  EXPECT_EQ(reread(ok_record(problem, "mma", {64, 64, 4, 2}, 10)).problem, problem);
}

TEST(RecordJson, SpecsHaveOnlyWhatTheFamilyHas) {
  const Json json = to_json(ok_record(sample_problem(), "cpu_fused", {32, 64, 0, 0}, 10));
  EXPECT_EQ(json["spec"].dump(), R"({"dtype":"fp16","head_dim":64,"block_q":32,"block_kv":64})");
  EXPECT_EQ(json["variant"], "cpu_fused/fp16_d64_q32_kv64");
}

TEST(RecordJson, WorstIndexIsBatchHeadRowColumn) {
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  record.check->error.worst_index = ((0 * 8 + 3) * 512 + 17) * 64 + 5;
  EXPECT_EQ(to_json(record)["check"]["worst_index"].dump(), "[0,3,17,5]");
  record.check->error.worst_index = -1;
  EXPECT_FALSE(to_json(record)["check"].contains("worst_index"));
}

TEST(RecordJson, NumbersThatAreNotFiniteAreWords) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  record.check->error.rel_l2 = std::nan("");
  record.check->error.max_abs = kInfinity;
  record.check->lse_max_abs = -kInfinity;
  const Json json = to_json(record);
  EXPECT_EQ(json["check"]["rel_l2"], "nan");
  EXPECT_EQ(json["check"]["max_abs"], "inf");
  EXPECT_EQ(json["check"]["lse_max_abs"], "-inf");
  const Record back = reread(record);
  EXPECT_TRUE(std::isnan(back.check->error.rel_l2));
  EXPECT_EQ(back.check->error.max_abs, kInfinity);
  EXPECT_EQ(back.check->lse_max_abs, -kInfinity);
}

TEST(RecordJson, UnknownFieldsAndNullAreSkipped) {
  Json json = to_json(ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10));
  json["energy_joules"] = 1.5;
  json["check"]["mood"] = "good";
  json["tflops"] = nullptr;
  json["problem"].erase("scale");
  const Record back = parse_results(document(json.dump()), "test.json").records.at(0);
  EXPECT_FALSE(back.tflops.has_value());
  EXPECT_DOUBLE_EQ(back.problem.scale, 0.125);
}

TEST(ResultFile, ComplaintsNameFilePlaceAndNearestWord) {
  expect_contains(complaint_with("/status", "okay"), "base.json: /records/0/status: ");
  expect_contains(complaint_with("/status", "incorect"), "did you mean incorrect");
  expect_contains(complaint_with("/problem/seq_q", "512"), "base.json: /records/0/problem/seq_q: ");
  expect_contains(complaint_with("/problem/seq_q", 0), "base.json: /records/0/problem/seq_q: ");
  expect_contains(complaint_with("/timing/hot_us/ci95", {1}), "/timing/hot_us/ci95: expected [low, high]");
  expect_contains(complaint_with("/timing/hot_us/samples/2", true), "/timing/hot_us/samples/2: ");
  expect_contains(complaint_with("/check/worst_index", {0, 8, 0, 0}), "/check/worst_index/1: 8 is out of");
  expect_contains(complaint_with("/variant", "mma/fp16_d64_q32"), "mma/fp16_d64_q64_kv64_w4_s2");
  expect_contains(complaint_with("/spec", nullptr), "base.json: /records/0: \"spec\" is missing");
  expect_contains(complaint_with("/spec/block_q", 1e10), "/spec/block_q: ");
}

TEST(ResultFile, RefusesOtherFormsAndBrokenText) {
  expect_contains(complaint(document("", "2")), "base.json: /schema_version: 2 is another form");
  expect_contains(complaint(R"({"records":[]})"), "\"schema_version\" is missing");
  expect_contains(complaint(R"({"schema_version":1})"), "\"records\" is missing");
  expect_contains(complaint("[]"), "base.json: ");
  expect_contains(complaint(R"({"schema_version":1,"records":[)"), "base.json: ");
  expect_contains(complaint(""), "base.json: ");
  EXPECT_THROW(read_results("/nonexistent/results.json"), UsageError);
}

}  // namespace
}  // namespace flashcore
