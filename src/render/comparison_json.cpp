#include "base/json_fields.hpp"
#include "base/schema_version.hpp"
#include "render/comparison_output.hpp"

namespace flashcore {
namespace {

Json ratio_json(const Ratio& ratio) {
  return {{"value", ratio.value}, {"low", ratio.low}, {"high", ratio.high}};
}

Json row_json(const RowVerdict& row) {
  Json json = {{"problem", row.problem.name},       {"variant", row.variant},
               {"verdict", to_string(row.verdict)}, {"fails", row.fails},
               {"tolerance", row.tolerance},        {"same_code", row.same_code}};
  if (row.mode) json["clock"] = to_string(*row.mode);
  FieldWriter fields(json);
  fields.optional("base_us", row.base_us);
  fields.optional("new_us", row.new_us);
  if (row.ratio) json["ratio"] = ratio_json(*row.ratio);
  if (!row.note.empty()) json["note"] = row.note;
  if (!row.allowed.empty()) json["allowed"] = row.allowed;
  return json;
}

Json scope_json(const ScopeVerdict& scope) {
  return {{"name", scope.name},
          {"rows", scope.rows},
          {"verdict", to_string(scope.verdict)},
          {"fails", scope.fails},
          {"ratio", ratio_json(scope.ratio)}};
}

Json noise_json(const NoiseModel& noise) {
  Json json = {{"source", noise.source}};
  for (const NoiseClass kind : kAll<NoiseClass>) {
    json[to_string(kind)] = {{"row", noise.of(kind).row}, {"common", noise.of(kind).common}};
  }
  return json;
}

}  // namespace

Json to_json(const Comparison& comparison) {
  Json json = {{"schema_version", kSchemaVersion},
               {"outcome", to_string(comparison.outcome)},
               {"reasons", comparison.reasons},
               {"differences", comparison.differences},
               {"noise", noise_json(comparison.noise)}};
  for (const Drift& drift : comparison.drifts) {
    json[drift.at_limit ? "drift_at_limit" : "drift"] = {{"ratio", drift.ratio},
                                                         {"controls", drift.controls}};
  }
  for (const Verdict verdict : kAll<Verdict>) {
    json["counts"][to_string(verdict)] = comparison.count(verdict);
  }
  json["expired"] = Json::array();
  for (const Allowance& allowance : comparison.expired) {
    json["expired"].push_back({{"problem", allowance.rows.problem},
                               {"variant", allowance.rows.variant},
                               {"reason", allowance.reason},
                               {"until", allowance.until}});
  }
  json["scopes"] = Json::array();
  for (const ScopeVerdict& scope : comparison.scopes) json["scopes"].push_back(scope_json(scope));
  json["rows"] = Json::array();
  for (const RowVerdict& row : comparison.rows) json["rows"].push_back(row_json(row));
  return json;
}

}  // namespace flashcore
