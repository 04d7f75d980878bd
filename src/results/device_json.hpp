// Devices as JSON: the measured ceilings for result files, and a whole DeviceInfo in both directions for worker
// processes.
#pragma once

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "execute/executor.hpp"

namespace flashcore {

// {"copy_bytes_per_s": …} as the probe measured, {"reason": …} if it failed, null if it did not run.
Json ceilings_json(const DeviceInfo& device);

// Every field comes back the same. Readers throw UsageError with the place of the first mismatch.
Json device_to_json(const DeviceInfo& device);
DeviceInfo device_from_json(const JsonReader& reader);

}  // namespace flashcore
