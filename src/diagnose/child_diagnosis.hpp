// A diagnosis that is made in a child process, so that a kernel that crashes, hangs or prints harms nothing.
//
// The child sends JSON lines: what diagnose() tells its observer, then an end. The parent puts the diagnosis together.
// When the child dies or falls silent within the kernel's code, the probe that it was at has crashed.
#pragma once

#include <string>
#include <vector>

#include "device/device.hpp"
#include "diagnose/diagnosis.hpp"

namespace flashcore {

// In the child: opens the device, diagnoses, and sends lines to standard output. Errors are sent too.
void send_diagnosis(const DeviceRequest& device, const Variant& variant, const Problem& problem,
                    std::uint64_t seed);

// In the parent: starts this program with `arguments`, which have to end in send_diagnosis(). A call of the kernel's
// code may take `timeout_s`. Throws the Error that the child sends.
Diagnosis receive_diagnosis(const std::vector<std::string>& arguments, const Variant& variant,
                            const Problem& problem, double timeout_s,
                            const std::function<void(Probe)>& on_probe);

}  // namespace flashcore
