#include "results/measurement_json.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/json_fields.hpp"

namespace flashcore {
namespace {

Json numbers_to_json(const std::vector<double>& numbers) {
  Json json = Json::array();
  for (const double number : numbers) json.push_back(encode_number(number));
  return json;
}

std::vector<double> numbers_from_json(const JsonReader& reader) {
  std::vector<double> numbers;
  for (const JsonReader& number : elements(reader)) numbers.push_back(decode_number(number));
  return numbers;
}

void range_fields(auto&& io, auto& range) {
  io.required("min", range.min);
  io.required("median", range.median);
  io.required("max", range.max);
}

void power_fields(auto&& io, auto& telemetry) {
  io.optional("mean", telemetry.power_w_mean);
  io.optional("max", telemetry.power_w_max);
}

void reading_fields(auto&& io, auto& telemetry) {
  io.with_default("readings", telemetry.readings);
  io.with_default("company", telemetry.company);
  io.optional("mem_clock_mhz", telemetry.mem_clock_mhz);
  io.optional("temperature_c_max", telemetry.temperature_c_max);
  io.optional("energy_j", telemetry.energy_j);
}

void roofline_fields(auto&& io, auto& roofline) {
  io.with_default("flops", roofline.flops);
  io.with_default("bytes", roofline.bytes);
  io.required("arithmetic_floor_us", roofline.arithmetic_floor_us);
  io.optional("exponential_floor_us", roofline.exponential_floor_us);
  io.required("memory_floor_us", roofline.memory_floor_us);
  io.required("bound", roofline.limit);
}

// The names of all bits, from the lowest.
const std::vector<std::string>& reason_names() {
  static const std::vector<std::string> names =
      throttle_reason_names(std::numeric_limits<std::uint64_t>::max());
  return names;
}

std::uint64_t reasons_from_json(const JsonReader& reader) {
  const std::vector<std::string_view> words(reason_names().begin(), reason_names().end());
  std::uint64_t reasons = 0;
  for (const JsonReader& reason : elements(reader)) reasons |= std::uint64_t{1} << reason.word(words);
  return reasons;
}

}  // namespace

Json timing_to_json(const Timing& timing) {
  Json json = {{"median", encode_number(timing.median)},
               {"p10", encode_number(timing.p10)},
               {"p90", encode_number(timing.p90)},
               {"ci95", numbers_to_json({timing.ci95_low, timing.ci95_high})},
               {"n", timing.samples.size()},
               {"samples", numbers_to_json(timing.samples)}};
  if (timing.block_s > 0) json["block_s"] = encode_number(timing.block_s);
  if (timing.sm_clock_mhz.empty()) return json;
  json["sm_clock_mhz"] = numbers_to_json(timing.sm_clock_mhz);
  json["throttled_samples"] = timing.throttled_samples;
  FieldWriter(json).optional("cycles", timing.cycles);
  return json;
}

Timing timing_from_json(const JsonReader& reader) {
  const JsonReader interval = require_field(reader, "ci95");
  const std::vector<JsonReader> ends = elements(interval);
  if (ends.size() != 2) interval.fail("expected [low, high]");
  Timing timing{.median = decode_number(require_field(reader, "median")),
                .p10 = decode_number(require_field(reader, "p10")),
                .p90 = decode_number(require_field(reader, "p90")),
                .ci95_low = decode_number(ends[0]),
                .ci95_high = decode_number(ends[1]),
                .samples = numbers_from_json(require_field(reader, "samples"))};
  if (const auto modes = find_field(reader, "sm_clock_mhz")) {
    timing.sm_clock_mhz = numbers_from_json(*modes);
    if (timing.sm_clock_mhz.size() != timing.samples.size()) modes->fail("must have as many as samples");
  }
  FieldReader fields(reader);
  fields.with_default("block_s", timing.block_s);
  fields.with_default("throttled_samples", timing.throttled_samples);
  fields.optional("cycles", timing.cycles);
  return timing;
}

Json telemetry_to_json(const TelemetrySummary& telemetry) {
  Json json;
  if (telemetry.sm_clock_mhz) range_fields(FieldWriter(json["sm_clock_mhz"]), *telemetry.sm_clock_mhz);
  if (telemetry.power_w_mean || telemetry.power_w_max) power_fields(FieldWriter(json["power_w"]), telemetry);
  reading_fields(FieldWriter(json), telemetry);
  json["throttle_reasons"] = throttle_reason_names(telemetry.throttle_reasons);
  return json;
}

TelemetrySummary telemetry_from_json(const JsonReader& reader) {
  TelemetrySummary telemetry;
  if (const auto modes = find_field(reader, "sm_clock_mhz")) {
    range_fields(FieldReader(*modes), telemetry.sm_clock_mhz.emplace());
  }
  if (const auto power = find_field(reader, "power_w")) power_fields(FieldReader(*power), telemetry);
  reading_fields(FieldReader(reader), telemetry);
  if (const auto reasons = find_field(reader, "throttle_reasons")) {
    telemetry.throttle_reasons = reasons_from_json(*reasons);
  }
  return telemetry;
}

Json roofline_to_json(const Record& record) {
  const Roofline& roofline = *record.roofline;
  Json json;
  roofline_fields(FieldWriter(json), roofline);
  json["floor_us"] = encode_number(roofline.floor_us());
  if (const Timing* timing = record.roofline_timing()) {
    json["percent_of_floor"] = encode_number(percent_of_roofline(roofline, timing->median));
  }
  return json;
}

Roofline roofline_from_json(const JsonReader& reader) {
  Roofline roofline;
  roofline_fields(FieldReader(reader), roofline);
  return roofline;
}

}  // namespace flashcore
