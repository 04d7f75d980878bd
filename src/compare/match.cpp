#include "compare/match.hpp"

#include <fmt/format.h>

#include "attention/problem_fields.hpp"

namespace flashcore {
namespace {

std::string row_key(const Record& record) {
  return fmt::format("{} {}", problem_id(record.problem), record.variant_id());
}

}  // namespace

std::vector<MatchedRow> match_rows(const Runs& base, const Runs& next) {
  std::vector<MatchedRow> rows;
  std::map<std::string, std::size_t> places;
  const auto add = [&](const Runs& runs, RunRecords MatchedRow::*side) {
    for (std::size_t run = 0; run < runs.size(); ++run) {
      for (const Record& record : runs[run]) {
        const auto [place, is_new] = places.try_emplace(row_key(record), rows.size());
        if (is_new) rows.emplace_back();
        (rows[place->second].*side)[run].push_back(&record);
      }
    }
  };
  add(base, &MatchedRow::base);
  add(next, &MatchedRow::next);
  return rows;
}

}  // namespace flashcore
