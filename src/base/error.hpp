// Errors that end the program, and their exit codes.
#pragma once

#include <stdexcept>
#include <string>

#include "base/status.hpp"

namespace flashcore {

enum class ExitCode : int {
  ok = 0,
  failed_check = 1,   // a variant is incorrect, or a comparison found a regression
  usage = 2,          // the command line or the config is wrong
  cannot_tell = 3,    // a comparison has too little data for a verdict
  environment = 4,    // the device or the environment failed
  interrupted = 130,  // SIGINT, SIGTERM or SIGHUP, by the convention of shells; finished records are kept
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// A mistake in the input. The message names the flag or JSON pointer to change.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(ExitCode::usage, message) {}
};

// The device, its driver, the file system or a variant failed. `status` goes into the record of the variant
// that ran.
struct EnvironmentError : Error {
  explicit EnvironmentError(const std::string& message, Status record_status = Status::error)
      : Error(ExitCode::environment, message), status(record_status) {}

  Status status;
};

// An allocation failed on the device or the host.
struct OutOfMemoryError : EnvironmentError {
  explicit OutOfMemoryError(const std::string& message) : EnvironmentError(message, Status::out_of_memory) {}
};

}  // namespace flashcore
