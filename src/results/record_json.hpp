// Records as JSON and back; configs/schema/result.schema.json describes the form.
//
// A part without a value is absent: a variant that was never timed has no "timing", a check without log-sum-exp no
// "lse_max_abs". Readers treat null as absent and skip unknown fields. A number that is not finite is the string "nan",
// "inf" or "-inf", so that every file is strict JSON. A problem's fields from "causal" on have defaults and may be
// absent, so that other programs need not write them.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "record/record.hpp"

namespace flashcore {

// One object of "records".
Json to_json(const Record& record);

// Throws UsageError that begins with the reader's file and JSON pointer when a field is missing, has another
// type or an unknown word, or when "variant" is not the id that family and spec make.
Record record_from_json(const JsonReader& reader);

// A mode's name in the "timing" of a record: "hot_us".
std::string timing_field(TimingMode mode);

// The "problem" of a record, on its own; read with the checks of validate().
Json to_json(const Problem& problem);
Problem problem_from_json(const JsonReader& reader);

// The "check" and the "resources". A check needs its problem, which gives worst_index its four coordinates.
Json check_to_json(const Check& check, const Problem& problem);
Check check_from_json(const JsonReader& reader, const Problem& problem);

Json resources_to_json(const Resources& resources);
Resources resources_from_json(const JsonReader& reader);

}  // namespace flashcore
