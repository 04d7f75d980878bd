// Runs another program and waits for it.
#pragma once

#include <string>
#include <vector>

namespace flashcore {

// Where the program's standard output goes. Its standard error goes where this process's goes.
enum class ProcessOutput : int { nowhere, caller, standard_error };

struct ProcessOptions {
  std::string folder = {};  // the working directory; empty: this process's
  ProcessOutput output = ProcessOutput::caller;
};

struct ProcessResult {
  int exit_code = 0;   // 128 + N after signal N
  std::string output;  // of ProcessOutput::caller
};

// `command` begins with a path or with a name on PATH. Throws EnvironmentError if it cannot be run.
ProcessResult run_process(const std::vector<std::string>& command, const ProcessOptions& options = {});

}  // namespace flashcore
