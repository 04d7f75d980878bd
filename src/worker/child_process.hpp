// A child process that is spoken to in lines: its standard input and output are one socket, its standard
// error a pipe of which the last lines are kept.
//
// Nothing here waits without end. A line is waited for until a deadline; a child that does not go when it is
// told to is killed with SIGKILL, and one that not even that ends (it hangs in a driver) is left behind. The
// child in its turn goes with its parent: see end_with_parent().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flashcore {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  int get() const { return number_; }
  void close();

 private:
  int number_;
};

class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;

  struct Received {
    enum class Kind { line, deadline, gone };
    Kind kind;
    std::string line = {};  // without its end
  };

  // Starts `program` with these arguments (the first is its name), with SIGINT and SIGTERM blocked: Ctrl-C
  // goes to all processes of a terminal, and the parent is the one to act on it. The thread that starts the
  // child must outlive it. Throws EnvironmentError when the program cannot be started.
  ChildProcess(const std::string& program, const std::vector<std::string>& arguments);
  ~ChildProcess();  // closes the socket, which ends a child that reads, and waits a moment before it kills
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // A child that has gone takes nothing; receive() will tell.
  void send(std::string_view line);
  Received receive(Clock::time_point deadline);

  void kill();
  // Waits until the child has gone, at most this long, and kills it then. How it ended, as a person says it:
  // "died of SIGSEGV (Segmentation fault)", "ended with exit code 2", "was stopped".
  std::string end(std::chrono::milliseconds patience);

  pid_t id() const { return id_; }
  // Known after end(): what waitpid(2) says, or nothing for a child that could not be ended.
  std::optional<int> wait_status() const { return wait_status_; }
  // The last line of standard error that is not blank.
  std::string last_error_line() const;

 private:
  bool has_gone(std::chrono::milliseconds patience);
  void read_errors();

  Descriptor socket_;
  Descriptor errors_;
  pid_t id_ = -1;
  std::optional<int> wait_status_;
  std::string unread_;      // received, not yet a line
  std::string error_tail_;  // the end of standard error
};

// In the child: the kernel kills this process when the thread that started it ends.
void end_with_parent();

}  // namespace flashcore
