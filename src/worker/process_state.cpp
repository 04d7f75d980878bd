#include "worker/process_state.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

namespace flashcore {
namespace {

// A thread that is seen at work so often, with pauses, goes on with it.
constexpr int kLooks = 5;
constexpr std::chrono::milliseconds kPause{3};

// True if numbers below FLT_MIN become zero, as operands or as results.
bool flushes_to_zero() {
  volatile float smallest = FLT_MIN;
  volatile float below = smallest / 4;
  volatile float again = below * 2;
  return below == 0 || again == 0;
}

std::set<int> threads_at_work() {
  std::set<int> found;
  DIR* threads = ::opendir("/proc/self/task");
  if (threads == nullptr) return found;
  while (const dirent* entry = ::readdir(threads)) {
    const int id = static_cast<int>(std::strtol(entry->d_name, nullptr, 10));
    if (id == 0 || id == ::gettid()) continue;
    std::ifstream file(std::string("/proc/self/task/") + entry->d_name + "/stat");
    std::string text;
    std::getline(file, text);
    const auto name_end = text.rfind(')');
    if (name_end != std::string::npos && text.substr(name_end).starts_with(") R")) found.insert(id);
  }
  (void)::closedir(threads);
  return found;
}

bool a_thread_goes_on() {
  std::set<int> busy = threads_at_work();
  for (int look = 1; look < kLooks && !busy.empty(); ++look) {
    std::this_thread::sleep_for(kPause);
    const std::set<int> now = threads_at_work();
    std::erase_if(busy, [&](int id) { return !now.contains(id); });
  }
  return !busy.empty();
}

Descriptor open_folder() { return Descriptor(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)); }

mode_t mode_of_files() {
  const mode_t mode = ::umask(0);
  (void)::umask(mode);
  return mode;
}

// The C library sets a flag of its own, SA_RESTORER, in every handler that it installs.
bool is_same(const struct sigaction& a, const struct sigaction& b) {
  constexpr int kFlags = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER;
  return a.sa_handler == b.sa_handler && ((a.sa_flags ^ b.sa_flags) & kFlags) == 0;
}

}  // namespace

ProcessState::ProcessState()
    : rounding_(std::fegetround()), mode_of_files_(flashcore::mode_of_files()), folder_(open_folder()) {
  (void)std::fegetenv(&numbers_);
  for (int i = 0; i < RLIM_NLIMITS; ++i) (void)::getrlimit(static_cast<__rlimit_resource>(i), &limits_[i]);
  for (int i = 1; i < kSignals; ++i) (void)::sigaction(i, nullptr, &handlers_[i]);
  (void)::pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
}

bool ProcessState::restore_numbers() {
  if (std::fegetround() == rounding_ && !flushes_to_zero()) return false;
  (void)std::fesetenv(&numbers_);
#pragma omp parallel
  (void)std::fesetenv(&numbers_);
  return true;
}

bool ProcessState::restore_handlers() {
  bool changed = false;
  for (int i = 1; i < kSignals; ++i) {
    struct sigaction now {};
    if (::sigaction(i, nullptr, &now) != 0 || is_same(now, handlers_[i])) continue;
    changed = true;
    (void)::sigaction(i, &handlers_[i], nullptr);
  }
  return changed;
}

bool ProcessState::restore_signal_mask() {
  sigset_t now;
  (void)::pthread_sigmask(SIG_SETMASK, &mask_, &now);
  for (int i = 1; i < kSignals; ++i) {
    if (sigismember(&now, i) != sigismember(&mask_, i)) return true;
  }
  return false;
}

bool ProcessState::restore_folder() {
  struct stat before {};
  struct stat now {};
  if (!folder_.is_open() || ::fstat(folder_.get(), &before) != 0) return false;
  if (::stat(".", &now) == 0 && now.st_dev == before.st_dev && now.st_ino == before.st_ino) return false;
  return ::fchdir(folder_.get()) == 0;
}

bool ProcessState::restore_mode_of_files() const { return ::umask(mode_of_files_) != mode_of_files_; }

bool ProcessState::stop_timers() {
  bool ran = false;
  for (const __itimer_which timer : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
    const itimerval none{};
    itimerval now{};
    (void)::setitimer(timer, &none, &now);
    ran = ran || now.it_value.tv_sec != 0 || now.it_value.tv_usec != 0;
  }
  return ran;
}

void ProcessState::restore_limits(LeftBehind& left) {
  bool changed = false;
  bool kept = false;
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    const auto resource = static_cast<__rlimit_resource>(i);
    rlimit now{};
    const rlimit& before = limits_[i];
    if (::getrlimit(resource, &now) != 0) continue;
    if (now.rlim_cur == before.rlim_cur && now.rlim_max == before.rlim_max) continue;
    (::setrlimit(resource, &before) == 0 ? changed : kept) = true;
  }
  if (changed) left.restored.emplace_back("the limits of the process");
  if (kept) left.stays.emplace_back("lower limits of the process");
}

LeftBehind ProcessState::restore() {
  LeftBehind left;
  const auto note = [&](bool changed, const char* what) {
    if (changed) left.restored.emplace_back(what);
  };
  note(stop_timers(), "the timers of the process");
  note(restore_handlers(), "the signal handlers");
  note(restore_signal_mask(), "the signal mask");
  note(restore_numbers(), "the rounding of numbers");
  note(restore_folder(), "the working folder");
  note(restore_mode_of_files(), "the mode of new files");
  restore_limits(left);
  if (a_thread_goes_on()) left.stays.emplace_back("a thread that goes on");
  return left;
}

}  // namespace flashcore
