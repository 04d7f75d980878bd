#include "diagnose/finding_json.hpp"

#include "base/json_fields.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

void bad_element_fields(auto&& io, auto& bad) {
  io.required("batch", bad.batch);
  io.required("head", bad.head);
  io.required("row", bad.row);
  io.required("column", bad.column);
  io.required("got", bad.got);
  io.required("wanted", bad.wanted);
}

void finding_fields(auto&& io, auto& finding) {
  io.required("probe", finding.probe);
  io.required("symptom", finding.symptom);
  io.required("detail", finding.detail);
}

struct NamedNote {
  const char* name;
  std::optional<LaunchNote> LaunchNotes::*note;
};
constexpr NamedNote kNotes[] = {{"inputs_changed", &LaunchNotes::inputs_changed},
                                {"workspace_overrun", &LaunchNotes::workspace_overrun},
                                {"lse_wrong", &LaunchNotes::lse_wrong}};

}  // namespace

Json to_json(const Finding& finding) {
  Json json;
  finding_fields(FieldWriter(json), finding);
  if (finding.map) json["map"] = {{"of", finding.map->of}, {"cells", finding.map->cells}};
  if (finding.problem) json["problem"] = to_json(*finding.problem);
  if (finding.first_bad) bad_element_fields(FieldWriter(json["first_bad"]), *finding.first_bad);
  return json;
}

Finding finding_from_json(const JsonReader& reader) {
  Finding finding;
  finding_fields(FieldReader(reader), finding);
  if (const auto map = find_field(reader, "map")) {
    finding.map.emplace();
    finding.map->of = require_field(*map, "of").string();
    for (const JsonReader& row : require_field(*map, "cells").one_or_more()) {
      finding.map->cells.push_back(row.string());
    }
  }
  if (const auto bad = find_field(reader, "first_bad")) {
    finding.first_bad.emplace();
    bad_element_fields(FieldReader(*bad), *finding.first_bad);
  }
  if (const auto problem = find_field(reader, "problem")) finding.problem = problem_from_json(*problem);
  return finding;
}

Json to_json(const LaunchNotes& notes) {
  Json json = Json::object();
  for (const auto& [name, member] : kNotes) {
    if (const auto& note = notes.*member)
      json[name] = {{"detail", note->detail}, {"problem", to_json(note->problem)}};
  }
  return json;
}

LaunchNotes launch_notes_from_json(const JsonReader& reader) {
  LaunchNotes notes;
  for (const auto& [name, member] : kNotes) {
    if (const auto note = find_field(reader, name)) {
      notes.*member = {require_field(*note, "detail").string(),
                       problem_from_json(require_field(*note, "problem"))};
    }
  }
  return notes;
}

}  // namespace flashcore
