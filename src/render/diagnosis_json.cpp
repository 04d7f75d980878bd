#include "attention/problem_fields.hpp"
#include "base/json_fields.hpp"
#include "diagnose/probes.hpp"
#include "render/diagnosis_output.hpp"

namespace flashcore {
namespace {

Json bad_element_json(const BadElement& bad, bool of_output) {
  return {{"batch", bad.batch},
          {"head", bad.head},
          {"row", bad.row},
          {of_output ? "column" : "key", bad.column},
          {"got", encode_number(bad.got)},
          {"wanted", encode_number(bad.wanted)}};
}

bool maps_output(const Finding& finding) { return !finding.map || finding.map->of.ends_with("columns"); }

Json finding_json(const Finding& finding, const Tile& tile) {
  Json json = {{"probe", to_string(finding.probe)},
               {"question", question_of(finding.probe)},
               {"outcome", to_string(finding.symptom)}};
  if (!finding.detail.empty()) json["detail"] = finding.detail;
  if (finding.first_bad) json["first_bad"] = bad_element_json(*finding.first_bad, maps_output(finding));
  if (finding.map) {
    json["map"] = {{"of", finding.map->of}, {"cells", finding.map->cells}};
    json["map"]["pattern"] = describe_pattern(*finding.map, tile);
  }
  return json;
}

}  // namespace

Json to_json(const Diagnosis& diagnosis) {
  Json json = {{"variant", diagnosis.variant},
               {"device", diagnosis.device},
               {"problem", problem_id(diagnosis.problem)},
               {"healthy", diagnosis.healthy()},
               {"sentence", diagnosis.sentence()},
               {"faults", Json::array()}};
  for (const SuspectedFault& suspect : diagnosis.suspected) {
    const FaultText text = text_of(suspect.fault);
    json["faults"].push_back({{"fault", text.name},
                              {"sentence", text.sentence},
                              {"look_at", text.advice},
                              {"shown_by", to_string(suspect.lead)}});
  }
  json["findings"] = Json::array();
  for (const Finding& finding : diagnosis.findings) {
    json["findings"].push_back(finding_json(finding, diagnosis.tile));
  }
  json["next"] = diagnosis.next_commands();
  return json;
}

}  // namespace flashcore
