// What is known of the launches of kernels that compile at run time, as JSON and back.
#pragma once

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// An object of members of a record.
Json notes_to_json(const KernelNotes& notes);
KernelNotes notes_from_json(const JsonReader& reader);

}  // namespace flashcore
