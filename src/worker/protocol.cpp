#include "worker/protocol.hpp"

#include <fmt/format.h>

#include <random>

#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "results/device_json.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

void build_fields(auto&& io, auto& hello) {
  io.required("version", hello.version);
  io.required("git_commit", hello.git_commit);
  io.required("git_dirty", hello.git_dirty);
}

void inspection_fields(auto&& io, auto& inspection) {
  io.required("unsupported", inspection.unsupported);
  io.required("code_hash", inspection.code_hash);
}

void sample_fields(auto&& io, auto& sample) {
  io.required("us", sample.us);
  io.required("launches", sample.launches);
  io.with_default("compiled", sample.compiled);
}

void contrast_fields(auto&& io, auto& contrast) {
  io.required("unchanged_us", contrast.unchanged_us);
  io.required("changed_us", contrast.changed_us);
  io.with_default("faster_share", contrast.faster_share);
}

void batch_fields(auto&& io, auto& found) {
  io.required("companies", found.companies);
  io.required("broken_in", found.broken_in);
}

void control_fields(auto&& io, auto& control) {
  io.required("us", control.us);
  io.required("least_us", control.least_us);
}

void policy_fields(auto&& io, auto& policy) {
  io.required("yardstick_factor", policy.unfused_factor);
  io.required("max_abs", policy.max_abs);
  io.required("rel_l2", policy.rel_l2);
}

}  // namespace

Json to_json(const Hello& hello) {
  Json json = {{"protocol", hello.protocol}};
  build_fields(FieldWriter(json), hello);
  json["device"] = device_to_json(hello.device);
  return json;
}

Hello hello_from_json(const JsonReader& reader) {
  Hello hello{.protocol = decode<int>(require_field(reader, "protocol"))};
  if (!speaks_protocol(hello.protocol)) return hello;
  build_fields(FieldReader(reader), hello);
  hello.device = device_from_json(require_field(reader, "device"));
  return hello;
}

Json to_json(const Inspection& inspection) {
  Json json;
  inspection_fields(FieldWriter(json), inspection);
  json["resources"] = resources_to_json(inspection.resources);
  return json;
}

Inspection inspection_from_json(const JsonReader& reader) {
  Inspection inspection{.resources = resources_from_json(require_field(reader, "resources"))};
  inspection_fields(FieldReader(reader), inspection);
  return inspection;
}

Json to_json(const Sample& sample) {
  Json json;
  sample_fields(FieldWriter(json), sample);
  return json;
}

Sample sample_from_json(const JsonReader& reader) {
  Sample sample;
  sample_fields(FieldReader(reader), sample);
  return sample;
}

Json to_json(const Contrast& contrast) {
  Json json;
  contrast_fields(FieldWriter(json), contrast);
  return json;
}

Contrast contrast_from_json(const JsonReader& reader) {
  Contrast contrast;
  contrast_fields(FieldReader(reader), contrast);
  return contrast;
}

Json to_json(const BatchInvariance& found) {
  Json json;
  batch_fields(FieldWriter(json), found);
  return json;
}

BatchInvariance batch_invariance_from_json(const JsonReader& reader) {
  BatchInvariance found;
  batch_fields(FieldReader(reader), found);
  return found;
}

Json to_json(const Control& control) {
  Json json;
  control_fields(FieldWriter(json), control);
  return json;
}

Control control_from_json(const JsonReader& reader) {
  Control control;
  control_fields(FieldReader(reader), control);
  return control;
}

Json to_json(const CheckPolicy& policy) {
  Json json;
  policy_fields(FieldWriter(json), policy);
  return json;
}

CheckPolicy check_policy_from_json(const JsonReader& reader) {
  CheckPolicy policy;
  policy_fields(FieldReader(reader), policy);
  return policy;
}

Json failure_to_json(const std::string& message, Status status) {
  return {{"failure", {{"status", to_string(status)}, {"message", message}}}};
}

EnvironmentError failure_from_json(const JsonReader& reader) {
  return EnvironmentError(require_field(reader, "message").string(),
                          decode<Status>(require_field(reader, "status")));
}

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

std::string to_line(const Json& json) { return json_text(json); }

}  // namespace flashcore
