// Diagnoses, inputs and references for Python.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <vector>

#include "python/tensors.hpp"

namespace flashcore {

// A Python kernel by its adapter, or a built-in variant by its id.
struct SubjectName {
  nanobind::object adapter;  // None: `variant` counts
  std::string variant;
  std::vector<std::string>
      command;           // of a child that calls send_kernel_diagnosis(); empty: it runs in this process
  double timeout_s = 0;  // of a call of the kernel in the child
};

// JSON: the program's own, with "text" (for a terminal), "first_bad" and "failing" (the flag of the problem to look at).
std::string diagnose_text(const SubjectName& subject, const std::string& problem, std::uint64_t seed,
                          const std::string& device);

// Seeded inputs of a problem, by the names of a kernel's arguments.
nanobind::dict make_inputs(const std::string& problem, std::uint64_t seed, const std::string& device,
                           const std::string& framework);

// (O, log-sum-exp) of the FP32 reference, contiguous.
nanobind::tuple make_reference(const std::string& problem, const InputArrays& inputs,
                               const std::string& framework);

}  // namespace flashcore
