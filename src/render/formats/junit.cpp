// JUnit XML in the form that Jenkins' xUnit plug-in describes (junit-10.xsd): a test case per row and per scope. Rows
// that fail are failures; other rows that are `unclear` are skipped.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "render/comparison_output.hpp"
#include "render/formats.hpp"

namespace flashcore {
namespace {

// The element within a test case that did not pass, else nothing.
std::string outcome_element(Verdict verdict, bool fails, const std::string& message) {
  if (fails) {
    return fmt::format("<failure type=\"{}\" message=\"{}\"/>", to_string(verdict), escape_xml(message));
  }
  if (verdict == Verdict::unclear) return fmt::format("<skipped message=\"{}\"/>", escape_xml(message));
  return "";
}

std::string test_case(std::string_view group, std::string_view name, double seconds,
                      const std::string& element) {
  return fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.9f}\">{}</testcase>\n",
                     escape_xml(group), escape_xml(name), seconds, element);
}

std::string message_of(Verdict verdict, const std::optional<Ratio>& ratio, const std::string& note) {
  std::string message(to_string(verdict));
  if (ratio) message += fmt::format(", {} ({})", change_text(ratio), interval_text(ratio));
  return note.empty() ? message : message + "; " + note;
}

std::string to_junit(const Comparison& comparison, const TextOptions&) {
  std::string cases;
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t skipped = 0;
  const auto add = [&](std::string_view group, std::string_view name, double seconds, Verdict verdict,
                       bool fails, const std::string& message) {
    ++tests;
    failures += fails ? 1 : 0;
    skipped += !fails && verdict == Verdict::unclear ? 1 : 0;
    cases += test_case(group, name, seconds, outcome_element(verdict, fails, message));
  };
  for (const RowVerdict& row : comparison.rows) {
    add(row.problem.name, row.variant, row.new_us.value_or(0) * 1e-6, row.verdict, row.fails,
        message_of(row.verdict, row.ratio, note_of(row)));
  }
  for (const ScopeVerdict& scope : comparison.scopes) {
    add("together", scope.name, 0, scope.verdict, scope.fails, message_of(scope.verdict, scope.ratio, ""));
  }
  for (const Allowance& allowance : comparison.expired) {
    add("allowances", allowance.rows.problem + " " + allowance.rows.variant, 0, Verdict::same, true,
        fmt::format("ended on {}: {}", allowance.until, allowance.reason));
  }
  std::string properties;
  for (const std::string& difference : comparison.differences) {
    properties += fmt::format("      <property name=\"difference\" value=\"{}\"/>\n", escape_xml(difference));
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "  <testsuite name=\"flashcore-bench compare\" tests=\"{}\" failures=\"{}\" errors=\"0\" "
      "skipped=\"{}\">\n"
      "    <properties>\n      <property name=\"outcome\" value=\"{}\"/>\n{}    </properties>\n"
      "{}  </testsuite>\n</testsuites>\n",
      tests, failures, skipped, escape_xml(headline(comparison)), properties, cases);
}

}  // namespace

const OutputFormat kJunit = {.name = "junit",
                             .meaning = "XML test cases for CI servers",
                             .extensions = {".xml"},
                             .file_kind = FileKind::junit,
                             .comparison = to_junit};

}  // namespace flashcore
