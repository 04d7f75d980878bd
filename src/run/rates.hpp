// How fast a record's time is against what the device can do.
#pragma once

#include <string>

#include "device/device_info.hpp"
#include "record/record.hpp"

namespace flashcore {

// Fills in, for a record that was timed, the rate at its headline timing, the share of the device's dense
// peak (record/peak.hpp; at the median SM clock of that timing, or at the boost clock where no clock could be
// read) and the roofline from the device's measured ceilings. What is not known stays absent.
void add_rates(Record& record, const DeviceInfo& device);

// "", or the sentence that tells that a time of the record is shorter than the device allows: than its peak at its
// highest clock, or in `cold` than its bandwidth, by more than 2 %. "" where the peak is not known.
std::string impossible_time(const Record& record, const DeviceInfo& device);

}  // namespace flashcore
