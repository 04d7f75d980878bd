#include "worker/worker_link.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "base/interrupt.hpp"
#include "base/json_fields.hpp"

namespace flashcore {
namespace {

constexpr double kInterruptCheck = 0.1;               // seconds
constexpr std::chrono::milliseconds kExitWait{2000};  // for a worker to exit after it has closed its socket

ChildProcess::Clock::time_point after(double seconds) {
  using Duration = ChildProcess::Clock::duration;
  return ChildProcess::Clock::now() +
         std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// The number of processes that the kernel's OOM killer has killed since boot; 0 if unknown.
std::int64_t oom_kills() {
  std::ifstream file("/proc/vmstat");
  std::string name;
  for (std::int64_t count = 0; file >> name >> count;) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

std::vector<std::string> command_line(const WorkerOptions& options) {
  if (!options.arguments.empty()) return options.arguments;
  std::vector<std::string> words = {"flashcore-bench", "worker", "--device", options.device};
  for (const std::string& plugin : options.plugins) words.insert(words.end(), {"--plugin", plugin});
  return words;
}

Hello read_hello(const std::string& line, const std::string& program) {
  try {
    const JsonDocument document(line, "hello");
    return hello_from_json(JsonReader(document));
  } catch (const UsageError&) {
    throw EnvironmentError(fmt::format("{}: is not a worker; its first line is: {}", program, line));
  }
}

}  // namespace

WorkerLink::WorkerLink(WorkerOptions options) : options_(std::move(options)), hello_(start()) {}

void WorkerLink::restart() {
  child_.reset();
  const Hello hello = start();
  if (hello.device.name == hello_.device.name) return;
  child_.reset();
  throw EnvironmentError(
      fmt::format("the new worker has device {}, the old one had {}", hello.device.name, hello_.device.name));
}

Hello WorkerLink::start() {
  oom_kills_ = oom_kills();
  auto child = std::make_unique<ChildProcess>(options_.program, command_line(options_));
  const auto received = child->receive(after(kSetupFactor * options_.timeout_s));
  if (received.kind != ChildProcess::Received::Kind::line) fail_to_start(*child);
  Hello hello = read_hello(received.line, options_.program);
  if (!speaks_protocol(hello.protocol)) {
    throw UsageError(fmt::format(
        "{}: {} speaks version {} of the worker protocol, this program speaks versions {} to {}",
        options_.flag, options_.program, hello.protocol, kOldestProtocolVersion, kProtocolVersion));
  }
  child_ = std::move(child);
  return hello;
}

// A worker that cannot start prints the reason as its last line, like every command of this program.
void WorkerLink::fail_to_start(ChildProcess& child) const {
  constexpr std::string_view kError = "flashcore-bench: error: ";
  const std::string how = child.end(kExitWait);
  const std::string line = child.last_error_line();
  const std::string place =
      options_.flag.empty() ? "" : fmt::format("{}: {}: ", options_.flag, options_.program);
  const auto status = child.wait_status();
  const bool failed = status && WIFEXITED(*status) && WEXITSTATUS(*status) != static_cast<int>(ExitCode::ok);
  if (line.starts_with(kError) && failed) {
    throw Error(static_cast<ExitCode>(WEXITSTATUS(*status)), place + line.substr(kError.size()));
  }
  throw EnvironmentError(
      fmt::format("{}a worker process {} before it was ready{}{}; --in-process runs without a worker", place,
                  how, line.empty() ? "" : ": ", line));
}

// At the deadline and after an interrupt there is no line.
ChildProcess::Received WorkerLink::receive(ChildProcess::Clock::time_point deadline) const {
  if (!options_.interrupted) return child_->receive(deadline);
  for (;;) {
    auto received = child_->receive(std::min(deadline, after(kInterruptCheck)));
    if (received.kind != ChildProcess::Received::Kind::deadline) return received;
    if (ChildProcess::Clock::now() >= deadline || options_.interrupted()) return received;
  }
}

JsonDocument WorkerLink::ask(const Json& request, double timeout_s) {
  using Kind = ChildProcess::Received::Kind;
  const auto call = request.at("call").get<std::string>();
  const std::string id = hello_.protocol < kProtocolWithIds ? "" : random_id();
  Json question = request;
  if (!id.empty()) question[kIdKey] = id;
  const auto deadline = after(timeout_s);
  child_->send(to_line(question), deadline);
  const auto received = receive(deadline);
  if (received.kind == Kind::closed) throw_worker_exit(call);
  if (received.kind == Kind::deadline) {
    child_->kill();
    if (options_.interrupted && interrupt_requested()) drop_and_throw("interrupted", Status::error);
    drop_and_throw(fmt::format("{} took more than {:g} s ({})", call, timeout_s, options_.timeout_flag),
                   Status::timeout);
  }
  JsonDocument answer = read_answer(received.line, id);
  const auto failure = find_field(JsonReader(answer), "failure");
  if (!failure) return answer;
  const EnvironmentError error = failure_from_json(*failure);
  // After every other failure the worker's device may be unusable.
  const bool keeps_worker = error.status == Status::error || error.status == Status::incorrect;
  if (!keeps_worker) drop();
  throw error;
}

JsonDocument WorkerLink::read_answer(const std::string& line, const std::string& id) {
  std::string wrong;
  try {
    JsonDocument answer(line, "answer of the worker");
    const JsonReader reader(answer);
    const auto found = find_field(reader, kIdKey);
    const auto failure = find_field(reader, "failure");
    if (failure) (void)failure_from_json(*failure);
    if (!id.empty() && (!found || found->string() != id)) {
      wrong =
          "the worker sent a line that answers no request; the kernel or a process that it started wrote it";
    } else if (!failure && !reader.has("result")) {
      wrong = "the worker's answer has no result";
    } else {
      return answer;
    }
  } catch (const UsageError& error) {
    wrong = error.what();
  }
  drop();
  throw ProtocolError(wrong);
}

void WorkerLink::drop_and_throw(const std::string& reason, Status status) {
  child_.reset();
  throw EnvironmentError(reason, status);
}

void WorkerLink::throw_worker_exit(std::string_view call) {
  const std::string how = child_->end(kExitWait);
  const auto status = child_->wait_status();
  if (status && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL && oom_kills() > oom_kills_) {
    drop_and_throw(fmt::format("the kernel killed the worker during {}: the machine ran out of memory", call),
                   Status::out_of_memory);
  }
  const std::string line = child_->last_error_line();
  drop_and_throw(fmt::format("the worker {} during {}{}{}", how, call,
                             line.empty() ? "" : "; its last error line: ", line),
                 Status::crashed);
}

}  // namespace flashcore
