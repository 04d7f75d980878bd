// Errors that end the program, and the exit codes they end it with.
#pragma once

#include <stdexcept>
#include <string>

#include "base/status.hpp"

namespace flashcore {

enum class ExitCode : int {
  ok = 0,
  failed_check = 1,   // a variant is wrong, or a regression was found
  usage = 2,          // the command line or the config is wrong
  cannot_tell = 3,    // a comparison has too little to go on
  environment = 4,    // the device or the environment failed
  interrupted = 130,  // SIGINT or SIGTERM, as shells report it; what was done is kept
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// The user can mend it: names the flag or JSON pointer to change.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(ExitCode::usage, message) {}
};

// The device, its driver or the file system failed, or a variant did: `status` is then that of its record.
struct EnvironmentError : Error {
  explicit EnvironmentError(const std::string& message, Status record_status = Status::error)
      : Error(ExitCode::environment, message), status(record_status) {}

  Status status;
};

// Memory ran out on the device or the host.
struct OutOfMemoryError : EnvironmentError {
  explicit OutOfMemoryError(const std::string& message) : EnvironmentError(message, Status::out_of_memory) {}
};

}  // namespace flashcore
