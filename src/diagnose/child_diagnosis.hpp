// A diagnosis in a child process, so that a kernel that crashes, hangs or prints does not affect this one.
//
// The child sends JSON lines: the events of diagnose() (DiagnosisObserver), then an end. The parent assembles
// the diagnosis. The current probe has crashed if a call of the kernel's code exceeds the time limit, or if
// the child dies during such a call or later.
#pragma once

#include <string>
#include <vector>

#include "device/device.hpp"
#include "diagnose/diagnosis.hpp"

namespace flashcore {

// In the child: opens the device, diagnoses, and sends lines to standard output. Errors are sent too.
void send_diagnosis(const DeviceRequest& device, const Variant& variant, const Problem& problem,
                    std::uint64_t seed);

// In the parent: starts this program with `arguments`, which must make it call send_diagnosis(). A call of
// the kernel's code may take `timeout_s` seconds. Throws the Error that the child sends. Throws
// EnvironmentError if the child dies before the first call of the kernel's code, or sends nothing for too
// long outside of such a call.
Diagnosis receive_diagnosis(const std::vector<std::string>& arguments, const Variant& variant,
                            const Problem& problem, double timeout_s,
                            const std::function<void(Probe)>& on_probe);

}  // namespace flashcore
