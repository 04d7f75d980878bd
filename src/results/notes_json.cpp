#include "results/notes_json.hpp"

#include "base/json_fields.hpp"

namespace flashcore {

Json notes_to_json(const KernelNotes& notes) {
  Json json = Json::object();
  FieldWriter(json).optional("compile_s", notes.compile_s);
  if (!notes.choices.empty()) json["choices"] = notes.choices;
  if (!notes.in_process.empty()) json["in_process"] = notes.in_process;
  return json;
}

KernelNotes notes_from_json(const JsonReader& reader) {
  KernelNotes notes;
  FieldReader(reader).optional("compile_s", notes.compile_s);
  if (const auto choices = find_field(reader, "choices")) {
    for (const std::string& name : choices->keys()) notes.choices[name] = (*choices)[name].string();
  }
  FieldReader(reader).with_default("in_process", notes.in_process);
  return notes;
}

}  // namespace flashcore
