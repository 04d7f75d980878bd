#include "base/schema_version.hpp"

#include <fmt/format.h>

#include "base/json_fields.hpp"

namespace flashcore {

void check_schema_version(const JsonReader& document) {
  const JsonReader version = require_field(document, "schema_version");
  if (version.integer(1, std::numeric_limits<int>::max()) <= kSchemaVersion) return;
  if (const auto older = find_field(document, "compatible_with")) {
    if (older->integer(1, std::numeric_limits<int>::max()) <= kSchemaVersion) return;
  }
  version.fail(fmt::format("{} is newer than this program, which reads up to {}", version.value().dump(),
                           kSchemaVersion));
}

}  // namespace flashcore
