// JUnit XML in the form that Jenkins' xUnit plug-in describes (junit-10.xsd). Of a comparison: a test case per row and per
// scope; rows that fail are failures, other rows that are `unclear` are skipped. Of result files: a test case per record;
// incorrect and suspect ones are failures, unsupported ones are skipped, crashes and the like are errors.
#include <fmt/format.h>

#include <iterator>
#include <numeric>
#include <string_view>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "record/ranking.hpp"
#include "render/comparison_output.hpp"
#include "render/formats.hpp"

namespace flashcore {
namespace {

// What became of a test case.
enum class Outcome : int { passed, failed, broken, skipped };

class Suite {
 public:
  void add(std::string_view group, std::string_view name, double seconds, Outcome outcome,
           std::string_view type, const std::string& message) {
    ++count_[static_cast<std::size_t>(outcome)];
    cases_ += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.9f}\">{}</testcase>\n",
                          escape_xml(group), escape_xml(name), seconds, element(outcome, type, message));
  }

  void add_property(std::string_view name, std::string_view value) {
    properties_ += fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, escape_xml(value));
  }

  std::string text(std::string_view command) const {
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
        "  <testsuite name=\"flashcore-bench {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
        "skipped=\"{}\">\n"
        "    <properties>\n{}    </properties>\n{}  </testsuite>\n</testsuites>\n",
        command, std::accumulate(std::begin(count_), std::end(count_), std::size_t{0}),
        count(Outcome::failed), count(Outcome::broken), count(Outcome::skipped), properties_, cases_);
  }

 private:
  // The element within a test case that did not pass, else nothing.
  static std::string element(Outcome outcome, std::string_view type, const std::string& message) {
    const std::string text = escape_xml(message);
    switch (outcome) {
      case Outcome::passed:
        return "";
      case Outcome::failed:
        return fmt::format("<failure type=\"{}\" message=\"{}\"/>", type, text);
      case Outcome::broken:
        return fmt::format("<error type=\"{}\" message=\"{}\"/>", type, text);
      case Outcome::skipped:
        return fmt::format("<skipped message=\"{}\"/>", text);
    }
    return "";
  }

  std::size_t count(Outcome outcome) const { return count_[static_cast<std::size_t>(outcome)]; }

  std::string cases_;
  std::string properties_;
  std::size_t count_[4] = {};
};

constexpr double kSecondsPerMicrosecond = 1e-6;

std::string message_of(Verdict verdict, const std::optional<Ratio>& ratio, const std::string& note) {
  std::string message(to_string(verdict));
  if (ratio) message += fmt::format(", {} ({})", change_text(ratio), interval_text(ratio));
  return note.empty() ? message : message + "; " + note;
}

Outcome outcome_of(Verdict verdict, bool fails) {
  if (fails) return Outcome::failed;
  return verdict == Verdict::unclear ? Outcome::skipped : Outcome::passed;
}

std::string to_junit(const Comparison& comparison, const TextOptions&) {
  Suite suite;
  suite.add_property("outcome", headline(comparison));
  for (const std::string& difference : comparison.differences) suite.add_property("difference", difference);
  for (const RowVerdict& row : comparison.rows) {
    suite.add(row.problem.name, row.variant, row.new_us.value_or(0) * kSecondsPerMicrosecond,
              outcome_of(row.verdict, row.fails), to_string(row.verdict),
              message_of(row.verdict, row.ratio, note_of(row)));
  }
  for (const ScopeVerdict& scope : comparison.scopes) {
    suite.add("together", scope.name, 0, outcome_of(scope.verdict, scope.fails), to_string(scope.verdict),
              message_of(scope.verdict, scope.ratio, ""));
  }
  for (const Allowance& allowance : comparison.expired) {
    suite.add("allowances", allowance.rows.problem + " " + allowance.rows.variant, 0, Outcome::failed,
              to_string(Verdict::same), fmt::format("ended on {}: {}", allowance.until, allowance.reason));
  }
  return suite.text("compare");
}

Outcome outcome_of(Status status) {
  switch (status) {
    case Status::ok:
      return Outcome::passed;
    case Status::incorrect:
    case Status::suspect:
      return Outcome::failed;
    case Status::unsupported:
      return Outcome::skipped;
    default:
      return Outcome::broken;
  }
}

std::string results_to_junit(const ResultsOutput& output) {
  Suite suite;
  for (const ResultFile& file : output.files) {
    const std::string device = environment_text(file.environment, "/device/name");
    if (!device.empty()) suite.add_property("device", device);
    for (const Record& record : file.records) {
      const double us = is_timed(record) ? record.headline()->median : 0;
      const std::string_view status = to_string(record.status);
      suite.add(record.problem.name, record.variant_id(), us * kSecondsPerMicrosecond,
                outcome_of(record.status), status,
                record.reason.empty() ? std::string(status) : fmt::format("{}: {}", status, record.reason));
    }
  }
  return suite.text("report");
}

}  // namespace

const OutputFormat kJunit = {.name = "junit",
                             .meaning = "XML test cases for CI servers",
                             .extensions = {".xml"},
                             .file_kind = FileKind::junit,
                             .results = results_to_junit,
                             .comparison = to_junit};

}  // namespace flashcore
