// A worker process and the conversation with it: asks, waits no longer than it should, and says how a worker
// was lost. It knows the protocol, not what an executor is for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/child_process.hpp"
#include "worker/protocol.hpp"

namespace flashcore {

struct WorkerOptions {
  std::string program = "/proc/self/exe";  // this build, also when its file is replaced meanwhile
  std::string device = "auto";             // as --device takes it
  std::vector<std::string> plugins = {};   // paths
  double timeout_s = 30;                   // of one call about a variant
  std::string flag = {};  // that `program` came from, for messages; empty: this program itself
};

class WorkerLink {
 public:
  // Starting up, preparing a problem and probing the device may take this many times `timeout_s`.
  static constexpr double kSetupFactor = 20;

  // Starts the worker. Throws what the worker says when it ends before its hello, with its exit code;
  // EnvironmentError when it cannot be started; UsageError that names the flag when it speaks another
  // protocol.
  explicit WorkerLink(WorkerOptions options);

  const WorkerOptions& options() const { return options_; }
  const Hello& hello() const { return hello_; }
  pid_t process_id() const { return child_ == nullptr ? -1 : child_->id(); }

  bool is_up() const { return child_ != nullptr; }
  // Another worker in the place of the one that was lost; throws as the constructor does, and
  // EnvironmentError when it is not on the same device.
  void restart();

  // The whole answer, an object with "result". Throws EnvironmentError with the status of the failure: what
  // the worker answered, `crashed` when it died or said nonsense, `timeout`, or `out_of_memory` when the
  // kernel took it to get memory back. After each of these three the worker is gone.
  JsonDocument ask(const Json& request, double patience_s);

 private:
  Hello start();
  [[noreturn]] void fail_to_start(ChildProcess& child) const;
  [[noreturn]] void lose(const std::string& reason, Status status);
  [[noreturn]] void explain_death(std::string_view call);

  WorkerOptions options_;
  std::unique_ptr<ChildProcess> child_;
  std::int64_t oom_kills_ = 0;  // of the whole machine when the worker was started
  Hello hello_;
};

}  // namespace flashcore
