// A diagnosis in a child process, so that a kernel that crashes, hangs or prints does not affect this one.
//
// The child sends JSON lines: the events of diagnose() (DiagnosisObserver), then an end. The parent assembles
// the diagnosis. The current probe has crashed if a call of the kernel's code exceeds the time limit, or if
// the child dies during such a call or later.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "diagnose/diagnosis.hpp"

namespace flashcore {

// In the child: opens the device, diagnoses, and sends lines to standard output. Errors are sent too. `load` gives the
// variant, and is called after standard output is connected to standard error.
void send_diagnosis(const DeviceRequest& device, const std::function<const Variant&()>& load,
                    const Problem& problem, std::uint64_t seed);

// The child of receive_diagnosis(). Its arguments must make it call send_diagnosis().
struct DiagnosisChild {
  std::vector<std::string> arguments;
  double timeout_s = 30;                   // of a call of the kernel's code
  std::string program = "/proc/self/exe";  // this build
  std::string timeout_flag = "--timeout";  // for messages
};

// In the parent: starts the child and receives its diagnosis. Throws the Error that the child sends. Throws
// EnvironmentError if the child dies before the first call of the kernel's code, or sends nothing for too
// long outside of such a call.
Diagnosis receive_diagnosis(const DiagnosisChild& child, const Variant& variant, const Problem& problem,
                            const std::function<void(Probe)>& on_probe);

}  // namespace flashcore
