#include "cli/outputs.hpp"

#include <gtest/gtest.h>

#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

ReportTarget target_of(const Overrides& overrides) {
  JsonDocument document(R"({"problems": {}})", "x.json");
  apply(overrides, document);
  return report_target(make_plan(document, "plan"));
}

std::vector<std::string_view> names_of(const ReportTarget& target) {
  std::vector<std::string_view> names;
  for (const OutputFormat* format : target.formats) names.push_back(format->name);
  return names;
}

TEST(Outputs, FormatsAreThoseNamedOrTheDefaults) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(names_of(target_of({})), (Names{"table", "json", "csv"}));
  EXPECT_EQ(names_of(target_of({.formats = {"csv", "table"}})), (Names{"csv", "table"}));
}

TEST(Outputs, APathMayHaveTheExtensionOfAFormat) {
  EXPECT_EQ(target_of({}).path, "");
  EXPECT_EQ(target_of({.output = "dir/result.csv"}).path, "dir/result");
  EXPECT_EQ(target_of({.output = "dir/result.json"}).path, "dir/result");
  EXPECT_EQ(target_of({.output = "dir/result.html"}).path, "dir/result.html");  // no run writes HTML
}

TEST(Outputs, ErrorsNameThePlace) {
  EXPECT_USAGE_ERROR(target_of({.formats = {"jsn"}}), "--format: unknown format \"jsn\", did you mean json?");
  EXPECT_USAGE_ERROR(target_of({.formats = {"csv", "junit"}}),
                     "--format/1: junit cannot show a run; one of: table, json, csv");
  EXPECT_USAGE_ERROR(target_of({.output = ".json"}), "--output: must be a path that ends in a file name");
  const JsonDocument document(R"({"problems": {}, "report": {"formats": ["xml"]}})", "x.json");
  EXPECT_USAGE_ERROR(report_target(make_plan(document, "plan")), "x.json: /report/formats/0: unknown format");
}

}  // namespace
}  // namespace flashcore
