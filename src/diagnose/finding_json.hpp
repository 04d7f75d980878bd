// Findings and notes as JSON between a child process and its parent.
#pragma once

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "diagnose/finding.hpp"
#include "diagnose/probe_runner.hpp"

namespace flashcore {

Json to_json(const Finding& finding);
Finding finding_from_json(const JsonReader& reader);

Json to_json(const LaunchNotes& notes);
LaunchNotes launch_notes_from_json(const JsonReader& reader);

}  // namespace flashcore
