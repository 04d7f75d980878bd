#include "results/record_json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "record/ranking.hpp"
#include "results/result_file.hpp"
#include "unit/support/sample_records.hpp"
#include "unit/support/support.hpp"

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

TEST(RecordJson, DirectCallsComeBackAndAreNotRanked) {
  const Record graph = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  Record direct = ok_record(sample_problem(), "mine", {}, 5);
  direct.direct_calls = "it waits for the device";
  EXPECT_EQ(reread(direct).direct_calls, direct.direct_calls);
  EXPECT_FALSE(to_json(graph).contains("direct_calls"));
  const std::vector<Record> records = {direct, graph};
  EXPECT_EQ(find_best(records), &records[1]);
  EXPECT_EQ(find_baseline_or_first(records, "mine/*"), &records[1]);
  direct.fail(Status::error, "it fails");
  EXPECT_EQ(direct.direct_calls, "");
}

TEST(RecordJson, NotesOfAPythonKernelComeBack) {
  Record record = ok_record(sample_problem(), "mine", {}, 5);
  EXPECT_FALSE(to_json(record).contains("compile_s"));
  record.notes = {.compile_s = 1.5, .choices = {{"attend", "M: 128"}}, .in_process = "it is a lambda"};
  record.warnings = {"hot: 1 sample is void"};
  const Record back = reread(record);
  EXPECT_EQ(back.notes.compile_s, 1.5);
  EXPECT_EQ(back.notes.choices, record.notes.choices);
  EXPECT_EQ(back.notes.in_process, "it is a lambda");
  EXPECT_EQ(back.warnings, record.warnings);
  record.fail(Status::error, "it fails");
  EXPECT_TRUE(record.warnings.empty());
}

TEST(RecordJson, EveryKindOfRecordComesBackTheSame) {
  for (const Record& record : testing::sample_records()) {
    const Record back = reread(record);
    // Every field that is written takes part: equal texts are equal records.
    EXPECT_EQ(to_json(back).dump(), to_json(record).dump());
    EXPECT_EQ(back.problem, record.problem);
    EXPECT_EQ(back.variant_id(), record.variant_id());
    EXPECT_EQ(back.reason, record.reason);
    ASSERT_EQ(back.timings[TimingMode::hot].has_value(), record.timings[TimingMode::hot].has_value());
    if (record.timings[TimingMode::hot]) {
      EXPECT_EQ(back.timings[TimingMode::hot]->samples, record.timings[TimingMode::hot]->samples);
    }
    ASSERT_EQ(back.check.has_value(), record.check.has_value());
    if (record.check) {
      EXPECT_EQ(back.check->depth, record.check->depth);
      EXPECT_EQ(back.check->cases, record.check->cases);
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

TEST(RecordJson, OutputDtypesStandWhereThereIsAChoice) {
  Problem problem = sample_problem();
  EXPECT_FALSE(to_json(problem).contains("out_dtype"));
  problem.dtype = Dtype::e4m3;
  problem.out_dtype = Dtype::bf16;
  Json json = to_json(ok_record(problem, "cpu_scalar", {}, 10));
  EXPECT_EQ(json["problem"]["dtype"], "e4m3");
  EXPECT_EQ(json["problem"]["out_dtype"], "bf16");
  json["problem"].erase("out_dtype");
  EXPECT_EQ(parse_results(document(json.dump()), "test.json").records.at(0).problem, problem);
  problem.out_dtype = Dtype::fp16;
  EXPECT_EQ(reread(ok_record(problem, "cpu_scalar", {}, 10)).problem, problem);
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

TEST(RecordJson, NumbersThatAreNotFiniteAreWordsOrNull) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  record.check->error.rel_l2 = std::nan("");
  record.check->error.max_abs = kInfinity;
  record.check->lse_max_abs = -kInfinity;
  const Json json = to_json(record);
  EXPECT_TRUE(json["check"]["rel_l2"].is_null());
  EXPECT_EQ(json["check"]["max_abs"], "inf");
  EXPECT_EQ(json["check"]["lse_max_abs"], "-inf");
  const Record back = reread(record);
  EXPECT_TRUE(std::isnan(back.check->error.rel_l2));
  EXPECT_EQ(back.check->error.max_abs, kInfinity);
  EXPECT_EQ(back.check->lse_max_abs, -kInfinity);
  // Result files of earlier versions have the word.
  Json old = json;
  old["check"]["rel_l2"] = "nan";
  EXPECT_TRUE(std::isnan(parse_results(document(old.dump()), "old.json").records.at(0).check->error.rel_l2));
  record.check->lse_max_abs = std::nan("");
  EXPECT_TRUE(to_json(record)["check"]["lse_max_abs"].is_null());
  EXPECT_FALSE(reread(record).check->lse_max_abs);
}

TEST(RecordJson, SkippedCasesAreCountedAndNamed) {
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  EXPECT_EQ(to_json(record)["check"]["skipped"], 0);
  EXPECT_FALSE(to_json(record)["check"].contains("skipped_cases"));
  record.check->skipped_cases = {"gaps: strides", "edge_q1_kv1: too short"};
  EXPECT_EQ(to_json(record)["check"]["skipped"], 2);
  EXPECT_EQ(reread(record).check->skipped_cases, record.check->skipped_cases);
}

TEST(RecordJson, BatchInvarianceIsAbsentUnlessItWasTested) {
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  EXPECT_FALSE(to_json(record)["check"].contains("batch_invariant"));
  record.check->batch_invariant = true;
  EXPECT_EQ(reread(record).check->batch_invariant, true);
  EXPECT_FALSE(to_json(record)["check"].contains("batch_variance"));
  record.check->batch_invariant = false;
  record.check->batch_variance = "in chunks (149 queries, 331 keys)";
  EXPECT_EQ(reread(record).check->batch_invariant, false);
  EXPECT_EQ(reread(record).check->batch_variance, record.check->batch_variance);
}

TEST(RecordJson, MeasurementsComeBackTheSame) {
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  testing::add_measurements(record);
  const Record back = reread(record);
  EXPECT_EQ(back.timings[TimingMode::hot]->sm_clock_mhz, record.timings[TimingMode::hot]->sm_clock_mhz);
  EXPECT_EQ(back.timings[TimingMode::hot]->throttled_samples, 2);
  EXPECT_EQ(back.timings[TimingMode::hot]->cycles, record.timings[TimingMode::hot]->cycles);
  EXPECT_EQ(back.telemetry->throttle_reasons, record.telemetry->throttle_reasons);
  EXPECT_EQ(back.telemetry->sm_clock_mhz->min, 1740);
  EXPECT_EQ(back.telemetry->power_w_max, 701.25);
  EXPECT_EQ(back.telemetry->energy_j, 84.5);
  EXPECT_EQ(back.telemetry->readings, 12);
  EXPECT_EQ(back.energy_per_call_j, record.energy_per_call_j);
  EXPECT_EQ(back.energy_windows_j, record.energy_windows_j);
  EXPECT_EQ(back.peak_tflops, record.peak_tflops);
  EXPECT_EQ(back.roofline->limit, Limit::memory);
  EXPECT_EQ(back.roofline->exponential_floor_us, 0.5);
  EXPECT_EQ(back.code_hash, record.code_hash);
}

TEST(RecordJson, RooflinesTellFloorAndShareOfIt) {
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 100);
  testing::add_measurements(record);
  const Json roofline = to_json(record)["roofline"];
  EXPECT_EQ(roofline["bound"], "memory");
  EXPECT_DOUBLE_EQ(roofline["floor_us"], 48.25);
  EXPECT_DOUBLE_EQ(roofline["percent_of_floor"], 100 * 48.25 / 106.25);  // the median of cold_us
}

TEST(RecordJson, ThrottleReasonsAreNames) {
  Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  testing::add_measurements(record);
  EXPECT_EQ(to_json(record)["telemetry"]["throttle_reasons"].dump(),
            R"(["sw_power_cap","hw_thermal_slowdown","0x200","0x400"])");
}

TEST(RecordJson, WhatNobodyMeasuredIsAbsent) {
  const Json json = to_json(ok_record(sample_problem(), "cpu_fused", {32, 64, 0, 0}, 10));
  for (const char* name : {"telemetry", "roofline", "energy_per_call_j", "peak_tflops", "code_hash"}) {
    EXPECT_FALSE(json.contains(name)) << name;
  }
  for (const char* name : {"sm_clock_mhz", "throttled_samples", "cycles"}) {
    EXPECT_FALSE(json["timing"]["hot_us"].contains(name)) << name;
  }
}

TEST(RecordJson, ErrorsThatNobodyKnowsMayBeNull) {
  const Record record = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10);
  Json json = to_json(record);
  json["check"]["rel_l2"] = nullptr;
  const Record back = parse_results(document(json.dump()), "test.json").records.at(0);
  EXPECT_TRUE(std::isnan(back.check->error.rel_l2));
  EXPECT_EQ(back.check->error.max_abs, record.check->error.max_abs);
  Json without = json;
  without["check"].erase("max_abs");
  EXPECT_THROW(parse_results(document(without.dump()), "test.json"), UsageError);
}

TEST(RecordJson, ASuspectIsNeitherRankedNorOk) {
  Json json = to_json(ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10));
  json["status"] = "suspect";
  const std::vector<Record> records = parse_results(document(json.dump()), "test.json").records;
  EXPECT_EQ(records[0].status, Status::suspect);
  EXPECT_EQ(find_best(records), nullptr);
}

TEST(RecordJson, TheRoleOfOldFilesIsThatOfTheirFamilysName) {
  Record record = ok_record(sample_problem(), "peer_torch_flash", {}, 10);
  Json json = to_json(record);
  json.erase("role");
  EXPECT_EQ(parse_results(document(json.dump()), "test.json").records.at(0).role, Role::peer);
  record.role = Role::plugin;
  EXPECT_EQ(to_json(record)["role"], "plugin");
  EXPECT_EQ(parse_results(document(to_json(record).dump()), "test.json").records.at(0).role, Role::plugin);
}

TEST(RecordJson, UnknownFieldsAndNullAreSkipped) {
  Json json = to_json(ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10));
  json["moon_phase"] = 1.5;
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
  expect_contains(complaint_with("/check/passed", false),
                  "base.json: /records/0/check/passed: is false, but the status of the record is \"ok\"");
  expect_contains(complaint_with("/variant", "mma/fp16_d64_q32"), "mma/fp16_d64_q64_kv64_w4_s2");
  expect_contains(complaint_with("/timing/hot_us/sm_clock_mhz", {1980}), "as many as samples");
  expect_contains(complaint_with("/telemetry", {{"throttle_reasons", {"sw_powercap"}}}),
                  "/telemetry/throttle_reasons/0: ");
  expect_contains(complaint_with("/telemetry", {{"throttle_reasons", {"sw_powercap"}}}),
                  "did you mean sw_power_cap");
  expect_contains(complaint_with("/spec", nullptr), "base.json: /records/0: \"spec\" is missing");
  expect_contains(complaint_with("/spec/block_q", 1e10), "/spec/block_q: ");
}

// The text of a file of this program with many records.
std::string own_text(const std::vector<std::string>& lines) {
  return results_head({{"time", "now"}}, {{"name", "many"}}) +
         fmt::format("{}", fmt::join(lines, kRecordSeparator)) + std::string(kResultsTail);
}

TEST(ResultFile, LinesOfThisProgramAreReadAsTheWholeText) {
  std::vector<std::string> lines;
  for (int seq = 1; seq <= 300; ++seq) {
    Problem problem = sample_problem();
    problem.seq_kv += seq;
    lines.push_back(record_line(ok_record(problem, "mma", {64, 64, 4, 2}, seq)));
  }
  const std::string text = own_text(lines);
  const ResultFile by_lines = parse_results(text, "base.json");
  const ResultFile whole = parse_results(Json::parse(text).dump(2), "base.json");
  EXPECT_EQ(by_lines.path, "base.json");
  EXPECT_EQ(by_lines.environment, whole.environment);
  EXPECT_EQ(by_lines.config, whole.config);
  ASSERT_EQ(by_lines.records.size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(record_line(by_lines.records[i]), record_line(whole.records[i]));
  }
  EXPECT_TRUE(parse_results(own_text({}), "base.json").records.empty());
}

TEST(ResultFile, AnErrorOfALineHasItsPlaceInTheFile) {
  std::vector<std::string> lines(200, record_line(ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 10)));
  Json wrong = Json::parse(lines[150]);
  wrong["status"] = "okay";
  lines[150] = wrong.dump();
  expect_contains(complaint(own_text(lines)), "base.json: /records/150/status: ");
  lines[150] = "{]";
  expect_contains(complaint(own_text(lines)), "base.json: line 155, column 2: ");
}

TEST(ResultFile, RefusesOtherFormsAndBrokenText) {
  expect_contains(complaint(document("", "2")), "base.json: /schema_version: 2 is newer than this program");
  expect_contains(complaint(document("", "0")), "base.json: /schema_version: 0 is out of range");
  EXPECT_EQ(complaint(R"({"schema_version":2,"compatible_with":1,"records":[]})"), "");
  expect_contains(complaint(R"({"records":[]})"), "\"schema_version\" is missing");
  expect_contains(complaint(R"({"schema_version":1})"), "\"records\" is missing");
  expect_contains(complaint("[]"), "base.json: ");
  expect_contains(complaint(R"({"schema_version":1,"records":[)"), "base.json: ");
  expect_contains(complaint(""), "base.json: ");
  EXPECT_THROW(read_results("/nonexistent/results.json"), UsageError);
}

}  // namespace
}  // namespace flashcore
