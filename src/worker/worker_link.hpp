// A worker process and the protocol with it: sends requests, waits for answers with a time limit, and reports
// how a worker ended.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/child_process.hpp"
#include "worker/protocol.hpp"

namespace flashcore {

// The worker, or a kernel in it, sent something that answers no request.
struct ProtocolError : EnvironmentError {
  explicit ProtocolError(const std::string& message) : EnvironmentError(message, Status::crashed) {}
};

struct WorkerOptions {
  std::string program = "/proc/self/exe";  // this build, even if its file is replaced
  std::string device = "auto";             // a value of --device
  std::vector<std::string> plugins = {};   // paths
  double timeout_s = 30;                   // limit of one call about a variant
  // The words of the command line; empty: those of `flashcore-bench worker`.
  std::vector<std::string> arguments = {};
  std::string timeout_flag = "--timeout";
  std::string flag = {};  // the flag that set `program`, for messages; empty if no flag did
  // Asked now and then while an answer is waited for. True ends the worker.
  std::function<bool()> interrupted = {};
};

class WorkerLink {
 public:
  // Start-up, preparation of a problem and the device probe may take kSetupFactor · timeout_s.
  static constexpr double kSetupFactor = 20;

  // Starts the worker. Throws EnvironmentError if it cannot be started, UsageError with the flag if it speaks
  // another protocol, and Error with the worker's message and exit code if it exits before its hello.
  explicit WorkerLink(WorkerOptions options);

  const WorkerOptions& options() const { return options_; }
  const Hello& hello() const { return hello_; }
  pid_t process_id() const { return child_ == nullptr ? -1 : child_->id(); }

  bool is_up() const { return child_ != nullptr; }
  // Starts a new worker after one was lost. Throws like the constructor, and EnvironmentError if the new
  // worker has another device.
  void restart();

  // Returns the answer, an object with "result". Throws EnvironmentError with one of these statuses: the
  // status in the worker's failure answer; `crashed` if the worker exited; `timeout`; `out_of_memory` if the
  // kernel's OOM killer ended the worker. Throws ProtocolError if a line is not the answer. The worker survives
  // only failure answers with `error` or `incorrect`.
  JsonDocument ask(const Json& request, double timeout_s);

  // True if there is a line although no request waits for one.
  bool has_stray_line() { return child_ != nullptr && child_->has_unread(); }
  // Ends the worker, so that the next request needs a new one.
  void drop() { child_.reset(); }

 private:
  Hello start();
  // The answer in a line to the request with this id.
  JsonDocument read_answer(const std::string& line, const std::string& id);
  ChildProcess::Received receive(ChildProcess::Clock::time_point deadline) const;
  [[noreturn]] void fail_to_start(ChildProcess& child) const;
  [[noreturn]] void drop_and_throw(const std::string& reason, Status status);
  [[noreturn]] void throw_worker_exit(std::string_view call);

  WorkerOptions options_;
  std::unique_ptr<ChildProcess> child_;
  std::int64_t oom_kills_ = 0;  // of the machine, at the start of the worker
  Hello hello_;
};

}  // namespace flashcore
