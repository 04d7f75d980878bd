// Timings, telemetry and roofline, as parts of a record's JSON; see record_json.hpp.
#pragma once

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "record/record.hpp"

namespace flashcore {

Json timing_to_json(const Timing& timing);
Timing timing_from_json(const JsonReader& reader);

Json telemetry_to_json(const TelemetrySummary& telemetry);
TelemetrySummary telemetry_from_json(const JsonReader& reader);

// The record has a roofline. "floor_us" and "percent_of_floor" follow from the rest and are not read back.
Json roofline_to_json(const Record& record);
Roofline roofline_from_json(const JsonReader& reader);

}  // namespace flashcore
