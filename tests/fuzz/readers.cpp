#include "fuzz/readers.hpp"

#include <stdexcept>
#include <string>

#include "config/plan.hpp"
#include "config/problem_reader.hpp"
#include "core/error.hpp"
#include "report/csv.hpp"
#include "report/record_json.hpp"
#include "report/result_file.hpp"

namespace flashcore::fuzz {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

template <class Read>
void unless_refused(Read read) {
  try {
    read();
  } catch (const UsageError& error) {
    const std::string_view message = error.what();
    require(!message.empty(), "a refusal without a word");
    require(message.find('\n') == std::string_view::npos, "a refusal of more than one line");
  }
}

void check_plan(const Plan& plan) {
  require(!plan.problems.empty(), "a plan without a problem");
  require(plan.problems.size() == plan.problem_places.size(), "a problem without a place");
  const Plan again = make_plan(JsonDocument(plan.config.dump(), "again"), plan.name);
  require(again.problems == plan.problems, "a plan's own config makes other problems");
}

}  // namespace

void read_config(std::string_view text) {
  unless_refused([&] { check_plan(make_plan(JsonDocument(text, "config"), "fuzz")); });
}

void read_result_file(std::string_view text) {
  unless_refused([&] {
    const ResultFile results = parse_results(text, "results");
    std::string written = results_head(results.environment, results.config);
    for (const Record& record : results.records) {
      require(!csv_row(record).empty(), "a record without a row");
      if (&record != &results.records.front()) written += kRecordSeparator;
      written += record_line(record);
    }
    written += kResultsTail;
    const ResultFile again = parse_results(written, "again");
    require(again.records.size() == results.records.size(), "records were lost");
    for (std::size_t i = 0; i < again.records.size(); ++i) {
      require(record_line(again.records[i]) == record_line(results.records[i]),
              "a record reads back changed");
    }
  });
}

void read_problem_flag(std::string_view text) {
  unless_refused([&] {
    JsonDocument document("{}", "flag");
    document.set("/problems", problem_from_flag(text), "--problem");
    check_plan(make_plan(document, "fuzz"));
  });
}

}  // namespace flashcore::fuzz
