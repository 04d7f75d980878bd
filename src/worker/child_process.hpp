// A child process that exchanges lines of text with its parent. One socket is its standard input and output;
// a pipe is its standard error, of which the last bytes are kept.
//
// Every wait has a limit. receive() waits until a deadline. A child that does not exit in time is killed, first by
// the signal on which a guard ends its processes (worker/guard.hpp), then with SIGKILL; if it hangs in a driver and
// survives that, it is left running.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"

namespace flashcore {

class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;

  struct Received {
    enum class Kind { line, deadline, closed };
    Kind kind;
    std::string line = {};  // without the newline
  };

  // Starts `program`; the first argument is its name. SIGINT, SIGTERM and SIGHUP are blocked in the child:
  // Ctrl-C goes to all processes of a terminal, and only the parent handles it. The thread that starts the child
  // must outlive it. Throws EnvironmentError if the program cannot be started.
  ChildProcess(const std::string& program, const std::vector<std::string>& arguments);
  ~ChildProcess();  // closes the socket, so that a reading child exits; kills it if it does not exit in time
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Has no effect if the child has exited; receive() then returns Kind::closed. A child that has not read the line by
  // the deadline gets only a part of it; receive() then returns Kind::deadline.
  void send(std::string_view line, Clock::time_point deadline);
  Received receive(Clock::time_point deadline);

  // True if the child has sent something that was not received.
  bool has_unread();

  void kill();
  // Waits for the child to exit and kills it at the limit. Returns how it ended: "was killed by SIGSEGV
  // (Segmentation fault)", "exited with code 2", "did not exit and was killed".
  std::string end(std::chrono::milliseconds limit);

  pid_t id() const { return id_; }
  // The status from waitpid(2), set by end(). Nothing if the child could not be killed.
  std::optional<int> wait_status() const { return wait_status_; }
  // The last line of standard error that is not blank.
  std::string last_error_line() const;

 private:
  // Waits until the socket may be read or written, as `events` of poll(2) say. Returns false at the deadline.
  bool wait_for(short events, Clock::time_point deadline);
  bool wait_for_exit(std::chrono::milliseconds limit);
  void read_errors();

  Descriptor socket_;
  Descriptor errors_;
  pid_t id_ = -1;
  std::optional<int> wait_status_;
  std::string unread_;      // received bytes without a complete line
  std::string error_tail_;  // the last bytes of standard error
};

}  // namespace flashcore
