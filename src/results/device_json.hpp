// Devices as JSON: what the probe measured, for files and people, and the whole of a DeviceInfo and back, for
// another process of this program.
#pragma once

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "execute/executor.hpp"

namespace flashcore {

// {"copy_bytes_per_s": …} of what the probe measured, {"reason": …} when it failed, null when it did not run.
Json ceilings_json(const DeviceInfo& device);

// Every field comes back the same. Readers throw UsageError with the place of the first mismatch.
Json device_to_json(const DeviceInfo& device);
DeviceInfo device_from_json(const JsonReader& reader);

}  // namespace flashcore
