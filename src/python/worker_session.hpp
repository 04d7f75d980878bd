// Python kernels in a worker process: an interpreter that imports them again and serves the worker protocol.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <vector>

#include "execute/executor.hpp"

namespace flashcore {

// Starts the worker of this thread, unless the last one has the same command line and time limit. It stays for further
// runs. The first word of `command` is the program. Returns why it cannot be started; empty if it was.
std::string start_worker(const std::vector<std::string>& command, double timeout_s);

// The executor of the worker that was started last.
Executor& started_worker();

// Ends the worker, if there is one.
void end_worker();

// True after Ctrl-C. May be called without Python's lock.
bool python_interrupted();

// In the worker. `load` is called once what kernels print cannot disturb the protocol, and returns the adapters.
void serve_kernels(const std::string& device, const std::vector<std::string>& plugins,
                   const nanobind::object& load);

// In the child of a diagnosis. `load` is as above, and returns one adapter.
void send_kernel_diagnosis(const std::string& device, const std::string& problem, std::uint64_t seed,
                           const nanobind::object& load);

}  // namespace flashcore
