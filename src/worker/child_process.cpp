#include "worker/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/error.hpp"
#include "worker/guard.hpp"

namespace flashcore {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kErrorTailBytes = 4096;
constexpr milliseconds kExitWait{2000};   // for a child to exit by itself
constexpr milliseconds kGuardWait{5000};  // for a guard to end its processes
constexpr milliseconds kKillWait{5000};   // for a child to exit after SIGKILL
constexpr milliseconds kMaxPoll{60'000};

// Appends the available bytes to `text`. Returns 0 at the end of the stream, -1 if no bytes are available
// now.
ssize_t read_some(int descriptor, std::string& text) {
  char buffer[4096];
  ssize_t count = 0;
  do {
    count = ::read(descriptor, buffer, sizeof buffer);
  } while (count < 0 && errno == EINTR);
  if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
  if (count < 0 && errno != EAGAIN)
    return 0;  // the connection is reset if a child dies before it reads a line
  return count;
}

[[noreturn]] void fail_to_start(const std::string& program, int error) {
  throw EnvironmentError(fmt::format("{}: cannot be started: {}", program, std::strerror(error)));
}

// Settings for the child of posix_spawn(3): standard streams, and blocked SIGINT, SIGTERM and SIGHUP.
class SpawnSetup {
 public:
  SpawnSetup(int socket, int errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, socket, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, socket, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&blocked, signal);
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSetup() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// This process's environment with OMP_WAIT_POLICY=passive, unless the user has set that variable. Spinning
// OpenMP threads would take cores from other processes, and from each other if there are more threads than
// cores.
std::vector<char*> child_environment() {
  static char passive[] = "OMP_WAIT_POLICY=passive";
  std::vector<char*> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.push_back(*entry);
  if (::getenv("OMP_WAIT_POLICY") == nullptr) entries.push_back(passive);
  entries.push_back(nullptr);
  return entries;
}

}  // namespace

ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& arguments) {
  int sockets[2];
  int pipe_ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) fail_to_start(program, errno);
  socket_ = Descriptor(sockets[0]);
  const Descriptor child_socket(sockets[1]);
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) fail_to_start(program, errno);
  errors_ = Descriptor(pipe_ends[0]);
  const Descriptor child_errors(pipe_ends[1]);
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(errors_.get(), F_SETFL, O_NONBLOCK);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const SpawnSetup setup(child_socket.get(), child_errors.get());
  std::vector<char*> environment = child_environment();
  const int error = ::posix_spawn(&id_, program.c_str(), setup.actions(), setup.attributes(), argv.data(),
                                  environment.data());
  if (error != 0) fail_to_start(program, error);
}

ChildProcess::~ChildProcess() { end(kExitWait); }

void ChildProcess::send(std::string_view line, Clock::time_point deadline) {
  const std::string text = fmt::format("{}\n", line);
  // A long line does not fit into the socket's buffer at once.
  for (std::string_view left = text; !left.empty();) {
    const ssize_t sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN || !wait_for(POLLOUT, deadline)) return;
  }
}

bool ChildProcess::wait_for(short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd watched[] = {{socket_.get(), events, 0}, {errors_.get(), POLLIN, 0}};
    ::poll(watched, 2, static_cast<int>(std::min(left, kMaxPoll).count()));
    read_errors();
    if ((watched[0].revents & (events | POLLHUP | POLLERR)) != 0) return true;
  }
}

ChildProcess::Received ChildProcess::receive(Clock::time_point deadline) {
  using Kind = Received::Kind;
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      Received received{Kind::line, unread_.substr(0, end)};
      unread_.erase(0, end + 1);
      return received;
    }
    if (!wait_for(POLLIN, deadline)) return {Kind::deadline};
    if (read_some(socket_.get(), unread_) == 0) return {Kind::closed};
  }
}

void ChildProcess::read_errors() {
  if (errors_.get() < 0) return;
  ssize_t count = 0;
  while ((count = read_some(errors_.get(), error_tail_)) > 0) {
    if (error_tail_.size() > kErrorTailBytes) error_tail_.erase(0, error_tail_.size() - kErrorTailBytes);
  }
  if (count == 0) errors_.close();  // poll(2) ignores the closed descriptor
}

bool ChildProcess::has_unread() {
  read_some(socket_.get(), unread_);
  return !unread_.empty();
}

void ChildProcess::kill() {
  if (!wait_status_) ::kill(id_, kGuardSignal);
}

bool ChildProcess::wait_for_exit(milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (milliseconds pause{0}; !wait_status_;
       pause = std::min(2 * pause + milliseconds(1), milliseconds(20))) {
    read_errors();
    int status = 0;
    if (::waitpid(id_, &status, WNOHANG) == id_) {
      wait_status_ = status;
    } else if (Clock::now() >= deadline) {
      return false;
    } else {
      std::this_thread::sleep_for(pause);
    }
  }
  read_errors();
  return true;
}

std::string ChildProcess::end(milliseconds limit) {
  socket_.close();
  if (!wait_for_exit(limit)) {
    kill();
    if (!wait_for_exit(kGuardWait)) ::kill(id_, SIGKILL);
    return wait_for_exit(kKillWait) ? "did not exit and was killed" : "did not exit and could not be killed";
  }
  if (WIFEXITED(*wait_status_)) return fmt::format("exited with code {}", WEXITSTATUS(*wait_status_));
  const int signal = WTERMSIG(*wait_status_);
  const char* name = ::sigabbrev_np(signal);
  return fmt::format("was killed by SIG{} ({})", name == nullptr ? std::to_string(signal) : name,
                     ::sigdescr_np(signal) == nullptr ? "unknown signal" : ::sigdescr_np(signal));
}

std::string ChildProcess::last_error_line() const {
  std::string_view text = error_tail_;
  const auto last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return "";
  text = text.substr(0, last + 1);
  const auto line = text.rfind('\n');
  return std::string(line == std::string_view::npos ? text : text.substr(line + 1));
}

}  // namespace flashcore
