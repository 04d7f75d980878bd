#include "results/record_json.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "attention/problem_fields.hpp"
#include "attention/sequence_plan.hpp"
#include "base/json_fields.hpp"
#include "results/measurement_json.hpp"
#include "results/notes_json.hpp"

namespace flashcore {
namespace {

void depth_fields(auto&& io, auto& check) {
  io.with_default("depth", check.depth);
  io.with_default("cases", check.cases);
  io.optional("batch_invariant", check.batch_invariant);
}

void error_fields(auto&& io, auto& error) {
  io.nullable("max_abs", error.max_abs);
  io.nullable("mean_abs", error.mean_abs);
  io.nullable("rel_l2", error.rel_l2);
  io.required("nonfinite", error.nonfinite);
}

void limit_fields(auto&& io, auto& limit) {
  io.required("max_abs", limit.max_abs);
  io.required("rel_l2", limit.rel_l2);
  io.with_default("lse_max_abs", limit.lse_max_abs);
}

void unfused_fields(auto&& io, auto& check) {
  io.required("max_abs", check.unfused_max_abs);
  io.required("rel_l2", check.unfused_rel_l2);
}

void verdict_fields(auto&& io, auto& check) {
  io.optional_nullable("lse_max_abs", check.lse_max_abs);
  io.with_default("unwritten", check.unwritten);
  io.with_default("out_of_bounds", check.out_of_bounds);
  io.required("passed", check.passed);
  io.with_default("reason", check.reason);
}

void resource_fields(auto&& io, auto& resources) {
  io.required("registers", resources.registers);
  io.with_default("static_smem_bytes", resources.static_smem_bytes);
  io.with_default("dynamic_smem_bytes", resources.dynamic_smem_bytes);
  io.required("spill_bytes", resources.spill_bytes);
  io.with_default("threads", resources.threads);
  io.with_default("blocks_per_sm", resources.blocks_per_sm);
  io.required("occupancy", resources.occupancy);
  io.with_default("grid_blocks", resources.grid_blocks);
  io.with_default("waves", resources.waves);
}

Json place_to_json(const Problem& problem, std::int64_t index) {
  const OutputPlace place = output_place(problem, index, value_columns(problem));
  return {place.sequence, place.head, place.row, place.column};
}

std::int64_t place_from_json(const Problem& problem, const JsonReader& reader) {
  const std::vector<JsonReader> items = elements(reader);
  if (items.size() != 4) reader.fail("expected [batch, head, row, column]");
  const OutputPlace place{items[0].integer(0, problem.batch - 1), items[1].integer(0, problem.heads_q - 1),
                          items[2].integer(0, problem.seq_q - 1),
                          items[3].integer(0, value_columns(problem) - 1)};
  const auto index = output_index(problem, place, value_columns(problem));
  if (!index) reader.fail("the output has no such element");
  return *index;
}

Json spec_to_json(const VariantSpec& spec) {
  Json json = {{"dtype", to_string(spec.dtype)}};
  for (const SpecField& field : kSpecFields) {
    if (const int value = field.get(spec); value != 0) json[std::string(field.name)] = value;
  }
  return json;
}

VariantSpec spec_from_json(const JsonReader& reader) {
  VariantSpec spec;
  spec.dtype = decode<Dtype>(require_field(reader, "dtype"));
  for (const SpecField& field : kSpecFields) {
    if (const auto found = find_field(reader, field.name)) field.set(spec, decode<int>(*found));
  }
  return spec;
}

void rate_fields(auto&& io, auto& record) {
  io.optional("tflops", record.tflops);
  io.optional("peak_tflops", record.peak_tflops);
  io.optional("percent_of_peak", record.percent_of_peak);
  io.optional("energy_per_call_j", record.energy_per_call_j);
}

void read_rates(const JsonReader& reader, Record& record) {
  rate_fields(FieldReader(reader), record);
  const auto windows = find_field(reader, "energy_windows_j");
  if (!windows) return;
  for (const JsonReader& joules : elements(*windows))
    record.energy_windows_j.push_back(decode<double>(joules));
}

std::vector<std::string> texts_of(const JsonReader& reader, std::string_view key) {
  std::vector<std::string> texts;
  if (const auto found = find_field(reader, key)) {
    for (const JsonReader& one : elements(*found)) texts.push_back(one.string());
  }
  return texts;
}

// The role of a family in files that do not state it: peers are named peer_*.
Role implied_role(std::string_view family) { return family.starts_with("peer_") ? Role::peer : Role::ladder; }

}  // namespace

std::string timing_field(TimingMode mode) { return fmt::format("{}_us", to_string(mode)); }

Json check_to_json(const Check& check, const Problem& problem) {
  Json json;
  depth_fields(FieldWriter(json), check);
  json["skipped"] = check.skipped_cases.size();
  if (!check.skipped_cases.empty()) json["skipped_cases"] = check.skipped_cases;
  if (!check.batch_variance.empty()) json["batch_variance"] = check.batch_variance;
  error_fields(FieldWriter(json), check.error);
  if (check.error.worst_index >= 0) json["worst_index"] = place_to_json(problem, check.error.worst_index);
  limit_fields(FieldWriter(json["limit"]), check.limit);
  unfused_fields(FieldWriter(json["yardstick"]), check);
  verdict_fields(FieldWriter(json), check);
  return json;
}

Check check_from_json(const JsonReader& reader, const Problem& problem) {
  Check check;
  depth_fields(FieldReader(reader), check);
  check.skipped_cases = texts_of(reader, "skipped_cases");
  FieldReader(reader).with_default("batch_variance", check.batch_variance);
  error_fields(FieldReader(reader), check.error);
  if (const auto worst = find_field(reader, "worst_index"))
    check.error.worst_index = place_from_json(problem, *worst);
  limit_fields(FieldReader(require_field(reader, "limit")), check.limit);
  unfused_fields(FieldReader(require_field(reader, "yardstick")), check);
  verdict_fields(FieldReader(reader), check);
  return check;
}

Json resources_to_json(const Resources& resources) {
  Json json;
  resource_fields(FieldWriter(json), resources);
  json["smem_bytes"] = resources.static_smem_bytes + resources.dynamic_smem_bytes;
  return json;
}

Resources resources_from_json(const JsonReader& reader) {
  Resources resources;
  resource_fields(FieldReader(reader), resources);
  return resources;
}

Json to_json(const Record& record) {
  Json json;
  json["problem"] = to_json(record.problem);
  json["variant"] = record.variant_id();
  json["family"] = record.family;
  json["backend"] = to_string(record.backend);
  if (record.role != implied_role(record.family)) json["role"] = to_string(record.role);
  json["spec"] = spec_to_json(record.spec);
  json["status"] = to_string(record.status);
  if (!record.reason.empty()) json["reason"] = record.reason;
  if (record.check) json["check"] = check_to_json(*record.check, record.problem);
  for (const TimingMode mode : kAll<TimingMode>) {
    if (const auto& timing = record.timings[mode])
      json["timing"][timing_field(mode)] = timing_to_json(*timing);
  }
  if (!record.direct_calls.empty()) json["direct_calls"] = record.direct_calls;
  if (!record.warnings.empty()) json["warnings"] = record.warnings;
  json.update(notes_to_json(record.notes));
  rate_fields(FieldWriter(json), record);
  if (!record.energy_windows_j.empty()) json["energy_windows_j"] = record.energy_windows_j;
  if (record.roofline) json["roofline"] = roofline_to_json(record);
  if (record.resources) json["resources"] = resources_to_json(*record.resources);
  if (record.telemetry) json["telemetry"] = telemetry_to_json(*record.telemetry);
  if (!record.code_hash.empty()) json["code_hash"] = record.code_hash;
  return json;
}

Record record_from_json(const JsonReader& reader) {
  Record record;
  record.problem = problem_from_json(require_field(reader, "problem"));
  record.family = require_field(reader, "family").string();
  record.spec = spec_from_json(require_field(reader, "spec"));
  if (const JsonReader variant = require_field(reader, "variant"); variant.string() != record.variant_id()) {
    variant.fail(fmt::format("does not belong to family and spec, which make \"{}\"", record.variant_id()));
  }
  record.backend = decode<Backend>(require_field(reader, "backend"));
  record.role = implied_role(record.family);
  record.status = decode<Status>(require_field(reader, "status"));
  FieldReader fields(reader);
  fields.with_default("role", record.role);
  fields.with_default("reason", record.reason);
  if (const auto check = find_field(reader, "check")) {
    record.check = check_from_json(*check, record.problem);
    if (record.status == Status::ok && !record.check->passed) {
      (*check)["passed"].fail("is false, but the status of the record is \"ok\"");
    }
  }
  if (const auto timing = find_field(reader, "timing")) {
    for (const TimingMode mode : kAll<TimingMode>) {
      if (const auto taken = find_field(*timing, timing_field(mode)))
        record.timings[mode] = timing_from_json(*taken);
    }
  }
  fields.with_default("direct_calls", record.direct_calls);
  record.warnings = texts_of(reader, "warnings");
  record.notes = notes_from_json(reader);
  read_rates(reader, record);
  if (const auto roofline = find_field(reader, "roofline")) record.roofline = roofline_from_json(*roofline);
  if (const auto resources = find_field(reader, "resources")) {
    record.resources = resources_from_json(*resources);
  }
  if (const auto telemetry = find_field(reader, "telemetry")) {
    record.telemetry = telemetry_from_json(*telemetry);
  }
  fields.with_default("code_hash", record.code_hash);
  return record;
}

}  // namespace flashcore
