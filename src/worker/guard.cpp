#include "worker/guard.hpp"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace flashcore {
namespace {

// The parent of a process; 0 if the process is gone.
pid_t parent_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');  // the name may hold any character
  if (name_end == std::string::npos || text.size() < name_end + 4) return 0;
  return static_cast<pid_t>(std::strtol(text.c_str() + name_end + 4, nullptr, 10));
}

void kill_children() {
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) return;
  while (const dirent* entry = ::readdir(processes)) {
    const std::string name = entry->d_name;
    pid_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc{} || *end != '\0' || parent_of(name) != ::getpid()) continue;
    (void)::kill(id, SIGKILL);
  }
  (void)::closedir(processes);
}

// Ends this process like one that ended with `status`.
[[noreturn]] void end_like(int status) {
  if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
  const rlimit no_core{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  const int number = WTERMSIG(status);
  (void)::signal(number, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  (void)::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  (void)::raise(number);
  ::_exit(128 + number);
}

sigset_t guarded_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, kGuardSignal);
  sigaddset(&signals, SIGCHLD);
  return signals;
}

// The status of `worker`, which is killed at kGuardSignal. Other children are reaped.
int wait_for_worker(pid_t worker, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended == worker) return status;
    }
    if (ended < 0) return 0;
    if (::sigwaitinfo(&signals, nullptr) == kGuardSignal) (void)::kill(worker, SIGKILL);
  }
}

}  // namespace

int end_children() {
  int count = 0;
  for (;;) {
    kill_children();
    if (::waitpid(-1, nullptr, 0) > 0) {
      ++count;
    } else if (errno != EINTR) {
      return count;
    }
  }
}

void go_on_under_guard() {
  const pid_t parent = ::getppid();
  const sigset_t signals = guarded_signals();
  sigset_t before;
  (void)::sigprocmask(SIG_BLOCK, &signals, &before);
  (void)::prctl(PR_SET_PDEATHSIG, kGuardSignal);
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (::getppid() != parent) ::_exit(EXIT_FAILURE);  // it ended before it was watched
  const pid_t guard = ::getpid();
  const pid_t worker = ::fork();
  if (worker < 0) throw EnvironmentError(std::string("worker: cannot be started: ") + std::strerror(errno));
  if (worker > 0) {
    (void)::close_range(0, std::numeric_limits<unsigned>::max(),
                        0);  // the parent waits for the worker's streams to close
    const int status = wait_for_worker(worker, signals);
    end_children();
    end_like(status);
  }
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);  // JobServer sees processes that a kernel leaves
  if (::getppid() != guard) ::_exit(EXIT_FAILURE);
  (void)::sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace flashcore
