// The terminal table: one per problem, variants in ladder order.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/text_table.hpp"
#include "conclude/conclusion.hpp"
#include "measure/policy.hpp"
#include "run/sink.hpp"

namespace flashcore {

struct TableOptions {
  bool color = false;
  int width = kAnyWidth;      // in characters; the least important columns are left out to fit
  std::string baseline = {};  // a glob over ids: speed-ups are against the first match that is ok
  MeasurePolicy rule = {};    // the run's stopping rule: rows that fall short are marked
  std::function<void()> before_output = {};  // called before anything is printed, to erase a progress line
};

// The table of one problem's records, with its title line and a line end. `records` is not empty and all
// have the same problem.
std::string render_table(const std::vector<Record>& records, const TableOptions& options);

// Prints each problem's table as soon as its records are complete, and the conclusion at the end.
class TableSink : public Sink {
 public:
  TableSink(std::ostream& out, TableOptions options);
  void add(const Record& record) override;
  void end_problem() override;
  void finish() override;

 private:
  void print();

  std::ostream& out_;
  TableOptions options_;
  std::vector<Record> records_;           // of the current problem
  std::optional<Conclusion> conclusion_;  // until it is printed
  bool printed_ = false;
};

}  // namespace flashcore
