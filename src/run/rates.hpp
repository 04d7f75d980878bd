// The rates of a record, compared with the peaks of the device.
#pragma once

#include <string>

#include "device/device_info.hpp"
#include "record/record.hpp"

namespace flashcore {

// Fills in the rates of a timed record: the rate at its headline timing, the share of the device's dense peak
// (record/peak.hpp), and the roofline from the device's measured ceilings. The peak is at the median SM clock
// of that timing, or at the boost clock if no clock could be read. Unknown values stay absent.
void add_rates(Record& record, const DeviceInfo& device);

// "", or a sentence if a time of the record is shorter than the device allows by more than 2 %. The limit is
// the device's peak at its highest clock, and in `cold` also its bandwidth. "" if the peak is not known.
std::string impossible_time(const Record& record, const DeviceInfo& device);

}  // namespace flashcore
