#include <fmt/format.h>

#include "base/build_info.hpp"
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
  for (const SizeClass size : kAll<SizeClass>) {
    json[to_string(size)] = {{"row", noise.of(size).row}, {"common", noise.of(size).common}};
  }
  return json;
}

std::string full_name(const RowVerdict& row) { return row.problem.name + "/" + row.variant; }

// Half of the interval of the ratio, as a time.
double half_width_us(const RowVerdict& row) {
  return row.ratio ? *row.new_us * (row.ratio->high / row.ratio->value - 1) : 0;
}

}  // namespace

Json to_json(const Comparison& comparison) {
  Json json = {{"schema_version", kSchemaVersion},
               {"outcome", to_string(comparison.outcome)},
               {"reasons", comparison.reasons},
               {"differences", comparison.differences},
               {"noise", noise_json(comparison.noise)}};
  if (comparison.drift) {
    json["drift"] = {{"ratio", comparison.drift->ratio}, {"controls", comparison.drift->controls}};
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

Json to_bencher(const Comparison& comparison) {
  constexpr double kNanoseconds = 1e3;
  Json json = Json::object();
  for (const RowVerdict& row : comparison.rows) {
    if (!row.new_us) continue;
    const double half = half_width_us(row);
    json[full_name(row)]["latency"] = {{"value", *row.new_us * kNanoseconds},
                                       {"lower_value", (*row.new_us - half) * kNanoseconds},
                                       {"upper_value", (*row.new_us + half) * kNanoseconds}};
  }
  return json;
}

Json to_smaller_is_better(const Comparison& comparison) {
  Json json = Json::array();
  for (const RowVerdict& row : comparison.rows) {
    if (!row.new_us) continue;
    json.push_back({{"name", full_name(row)},
                    {"unit", "us"},
                    {"value", *row.new_us},
                    {"range", fmt::format("± {:.3g}", half_width_us(row))},
                    {"extra", fmt::format("{} clock, {}", to_string(*row.mode), to_string(row.verdict))}});
  }
  return json;
}

Json to_google_benchmark(const Comparison& comparison) {
  Json json = {{"context", {{"library_build_type", "release"}, {"flashcore_version", build_info().version}}}};
  json["benchmarks"] = Json::array();
  for (const RowVerdict& row : comparison.rows) {
    if (!row.new_us) continue;
    json["benchmarks"].push_back({{"name", full_name(row)},
                                  {"run_name", full_name(row)},
                                  {"run_type", "iteration"},
                                  {"repetitions", 1},
                                  {"repetition_index", 0},
                                  {"threads", 1},
                                  {"iterations", 1},
                                  {"real_time", *row.new_us},
                                  {"cpu_time", *row.new_us},
                                  {"time_unit", "us"}});
  }
  return json;
}

}  // namespace flashcore
