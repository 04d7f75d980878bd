// A diagnosis in child processes, so that a kernel that crashes, hangs or prints does not affect this one.
//
// The parent sends one request at a time, as a JSON line: to load the variant, then to run each probe. The child sends
// a line before and after each call of the kernel's code, then its answer; every line has the id of the request. A
// probe has crashed if a call of the kernel's code exceeds the time limit, if the child dies during such a call or
// later, or if a line is not the child's. The next probe then runs in a new child.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "diagnose/diagnosis.hpp"

namespace flashcore {

// What a child diagnoses.
struct DiagnosisTask {
  DeviceRequest device;
  const Variant* variant = nullptr;
  Problem problem;
  std::uint64_t seed = 0;
};

// In the child: answers the parent's requests on standard input and output until they end. Errors are answers too.
// `load` is called after standard output is connected to standard error.
void serve_diagnosis(const std::function<DiagnosisTask()>& load);

// The child of receive_diagnosis(). Its arguments must make it call serve_diagnosis().
struct DiagnosisChild {
  std::vector<std::string> arguments;
  double timeout_s = 30;                   // of a call of the kernel's code
  std::string program = "/proc/self/exe";  // this build
  std::string timeout_flag = "--timeout";  // for messages
};

// In the parent: starts children and receives the findings. After several crashes the remaining probes are skipped.
// Throws the Error that the first child sends. Throws EnvironmentError if the first child dies before a call of the
// kernel's code, or sends nothing for too long outside of such a call.
Diagnosis receive_diagnosis(const DiagnosisChild& child, const Variant& variant, const Problem& problem,
                            const std::function<void(Probe)>& on_probe);

}  // namespace flashcore
