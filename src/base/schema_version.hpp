// The schema version of the files that this program writes: results, tuned tables, journals, noise,
// comparisons.
//
// The version increases when a field is removed or changes its meaning, not when an optional field is added.
// A program reads its own version and all older ones. It refuses a newer file, unless the file's
// "compatible_with" names a version that the program reads.
#pragma once

#include "base/json_document.hpp"

namespace flashcore {

inline constexpr int kSchemaVersion = 1;

// Throws UsageError with the file's name if the document's "schema_version" is missing or too new.
void check_schema_version(const JsonReader& document);

}  // namespace flashcore
