// The form of the files that this program writes: results, tuned tables, journals, noise, comparisons.
//
// The number grows when a field goes or changes its meaning. New fields that may be absent do not raise it. A program
// reads its own version and all before it. It refuses a newer file, unless that says by "compatible_with" that readers
// of an older version understand it.
#pragma once

#include "base/json_document.hpp"

namespace flashcore {

inline constexpr int kSchemaVersion = 1;

// Throws UsageError, with the file's name, when the document's "schema_version" is missing or cannot be read here.
void check_schema_version(const JsonReader& document);

}  // namespace flashcore
