#include "worker/worker_link.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>

#include "base/json_fields.hpp"

namespace flashcore {
namespace {

constexpr std::chrono::milliseconds kLastBreath{2000};  // for a worker whose socket is closed to be gone

ChildProcess::Clock::time_point after(double seconds) {
  using Duration = ChildProcess::Clock::duration;
  return ChildProcess::Clock::now() +
         std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// Processes that the kernel has killed to get memory back, since it was started; 0 where it does not tell.
std::int64_t oom_kills() {
  std::ifstream file("/proc/vmstat");
  std::string name;
  for (std::int64_t count = 0; file >> name >> count;) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

std::vector<std::string> command_line(const WorkerOptions& options) {
  std::vector<std::string> words = {"flashcore-bench", "worker", "--device", options.device};
  for (const std::string& plugin : options.plugins) words.insert(words.end(), {"--plugin", plugin});
  return words;
}

Hello read_hello(const std::string& line, const std::string& program) {
  try {
    const JsonDocument document(line, "hello");
    return hello_from_json(JsonReader(document));
  } catch (const UsageError&) {
    throw EnvironmentError(fmt::format("{}: does not work as a worker, it says: {}", program, line));
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
      fmt::format("the device was {}, a new worker found {}", hello_.device.name, hello.device.name));
}

Hello WorkerLink::start() {
  oom_kills_ = oom_kills();
  auto child = std::make_unique<ChildProcess>(options_.program, command_line(options_));
  const auto received = child->receive(after(kSetupFactor * options_.timeout_s));
  if (received.kind != ChildProcess::Received::Kind::line) fail_to_start(*child);
  Hello hello = read_hello(received.line, options_.program);
  if (!speaks_protocol(hello.protocol)) {
    throw UsageError(fmt::format(
        "{}: {} speaks version {} of the worker protocol, this program versions {} to {}", options_.flag,
        options_.program, hello.protocol, kOldestProtocolVersion, kProtocolVersion));
  }
  child_ = std::move(child);
  return hello;
}

// A worker that ends by itself has said why, as any command does.
void WorkerLink::fail_to_start(ChildProcess& child) const {
  constexpr std::string_view kError = "flashcore-bench: error: ";
  const std::string how = child.end(kLastBreath);
  const std::string words = child.last_error_line();
  const std::string place =
      options_.flag.empty() ? "" : fmt::format("{}: {}: ", options_.flag, options_.program);
  const auto status = child.wait_status();
  if (words.starts_with(kError) && status && WIFEXITED(*status)) {
    throw Error(static_cast<ExitCode>(WEXITSTATUS(*status)), place + words.substr(kError.size()));
  }
  throw EnvironmentError(
      fmt::format("{}a worker process {} before it was ready{}{}; --in-process runs without", place, how,
                  words.empty() ? "" : ": ", words));
}

JsonDocument WorkerLink::ask(const Json& request, double patience_s) {
  using Kind = ChildProcess::Received::Kind;
  const auto call = request.at("call").get<std::string>();
  child_->send(to_line(request));
  const auto received = child_->receive(after(patience_s));
  if (received.kind == Kind::gone) explain_death(call);
  if (received.kind == Kind::deadline) {
    child_->kill();
    lose(fmt::format("no end of {} after {:g} s (--timeout)", call, patience_s), Status::timeout);
  }
  try {
    JsonDocument answer(received.line, "answer of the worker");
    const auto failure = find_field(JsonReader(answer), "failure");
    if (!failure && !JsonReader(answer).has("result"))
      lose("the worker's answer has no result", Status::crashed);
    if (!failure) return answer;
    const EnvironmentError error = failure_from_json(*failure);
    const bool worker_goes_on = error.status == Status::error || error.status == Status::incorrect;
    if (!worker_goes_on) lose(error.what(), error.status);
    throw error;
  } catch (const UsageError& error) {
    lose(error.what(), Status::crashed);
  }
}

void WorkerLink::lose(const std::string& reason, Status status) {
  child_.reset();
  throw EnvironmentError(reason, status);
}

void WorkerLink::explain_death(std::string_view call) {
  const std::string how = child_->end(kLastBreath);
  const auto status = child_->wait_status();
  if (status && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL && oom_kills() > oom_kills_) {
    lose(fmt::format("the kernel killed the worker in {}: the machine ran out of memory", call),
         Status::out_of_memory);
  }
  const std::string words = child_->last_error_line();
  lose(fmt::format("the worker {} in {}{}{}", how, call, words.empty() ? "" : "; it said: ", words),
       Status::crashed);
}

}  // namespace flashcore
