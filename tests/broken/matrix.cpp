#include "broken/matrix.hpp"

#include "base/text_table.hpp"
#include "render/diagnosis_output.hpp"

namespace flashcore::broken {
namespace {

constexpr std::uint64_t kSeed = 3;

Problem base_problem(std::int64_t seq_q, std::int64_t seq_kv) {
  return {.heads_q = 2,
          .heads_kv = 2,
          .seq_q = seq_q,
          .seq_kv = seq_kv,
          .head_dim = 64,
          .scale = default_scale(64),
          .lse = true};
}

// Eight runs: an answer that changes is not wrong each time.
std::string seen_by(Executor& executor, const Variant& variant) {
  for (const NormalProblem& normal : normal_problems()) {
    executor.prepare(normal.problem, kSeed);
    for (int repeat = 0; repeat < 8; ++repeat) {
      if (!executor.verify(variant, {}).passed) return normal.name;
    }
  }
  return "";
}

std::string_view verdict_name(const Diagnosis& diagnosis) {
  return diagnosis.healthy() ? "none" : text_of(diagnosis.suspected.front().fault).name;
}

}  // namespace

bool MatrixRow::as_expected() const {
  if (which == Break::none) return diagnosis.healthy() && seen_by.empty();
  const BreakText& expected = describe(which);
  return !diagnosis.healthy() && diagnosis.suspected.front().fault == expected.verdict &&
         seen_by.empty() != expected.normal_check_sees_it;
}

std::vector<NormalProblem> normal_problems() {
  Problem causal = base_problem(160, 160);
  causal.causal = true;
  Problem causal_wide = base_problem(70, 200);
  causal_wide.causal = true;
  Problem grouped = base_problem(96, 96);
  grouped.heads_q = 4;
  Problem padded = base_problem(65, 130);
  padded.layout = Layout::padded;
  Problem ragged = base_problem(1, 1);
  ragged.lengths = Lengths{.q = {5, 1, 70}, .kv = {90, 0, 130}};
  ragged.sinks = true;
  apply_lengths(ragged);
  Problem paged = ragged;
  paged.kv = {.layout = KvKind::paged, .page_size = 16};
  paged.sinks = false;
  return {{"even", base_problem(128, 512)},
          {"odd", base_problem(113, 203)},
          {"causal", causal},
          {"causal_wide", causal_wide},
          {"grouped_heads", grouped},
          {"padded", padded},
          {"ragged_sinks", ragged},
          {"paged", paged}};
}

MatrixRow examine(const Launcher& launcher, Executor& executor, const Variant& variant, Break which) {
  return {.which = which,
          .diagnosis = diagnose(launcher, variant, base_problem(128, 256), kSeed),
          .seen_by = seen_by(executor, variant)};
}

std::string to_table(const std::vector<MatrixRow>& rows) {
  TextTable table({{"kernel"}, {"verdict"}, {"as expected"}, {"normal check"}, {"sentence"}});
  for (const MatrixRow& row : rows) {
    table.add({std::string(describe(row.which).family), std::string(verdict_name(row.diagnosis)),
               row.as_expected() ? "yes" : "NO", row.seen_by.empty() ? "passes" : "fails on " + row.seen_by,
               row.diagnosis.sentence()});
  }
  return table.text();
}

Json to_json(const std::vector<MatrixRow>& rows) {
  Json json = Json::array();
  for (const MatrixRow& row : rows) {
    json.push_back({{"kernel", describe(row.which).family},
                    {"fault", describe(row.which).summary},
                    {"verdict", verdict_name(row.diagnosis)},
                    {"as_expected", row.as_expected()},
                    {"normal_check_fails_on", row.seen_by.empty() ? Json() : Json(row.seen_by)},
                    {"diagnosis", flashcore::to_json(row.diagnosis)}});
  }
  return json;
}

}  // namespace flashcore::broken
