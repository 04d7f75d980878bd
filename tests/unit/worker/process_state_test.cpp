// What a kernel leaves in its process is found, named and restored.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "unit/support/support.hpp"
#include "worker/aftermath.hpp"

namespace flashcore {
namespace {

using Texts = std::vector<std::string>;

TEST(ProcessState, ThatIsUnchangedIsLeftAlone) {
  ProcessState state;
  const LeftBehind left = state.restore();
  EXPECT_EQ(left.restored, Texts{});
  EXPECT_EQ(left.stays, Texts{});
}

TEST(ProcessState, RoundingIsRestored) {
  ProcessState state;
  std::fesetround(FE_UPWARD);
  EXPECT_EQ(state.restore().restored, Texts{"the rounding of numbers"});
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  EXPECT_EQ(state.restore().restored, Texts{});
}

TEST(ProcessState, SignalsAndTimersAreRestored) {
  ProcessState state;
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  struct sigaction before {};
  ::sigaction(SIGUSR2, &ignored, &before);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  const itimerval later{{0, 0}, {1000, 0}};
  ::setitimer(ITIMER_REAL, &later, nullptr);
  EXPECT_EQ(state.restore().restored,
            (Texts{"the timers of the process", "the signal handlers", "the signal mask"}));
  struct sigaction after {};
  ::sigaction(SIGUSR2, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
  EXPECT_EQ(state.restore().restored, Texts{});
}

TEST(ProcessState, FolderAndModeOfFilesAreRestored) {
  ProcessState state;
  const std::filesystem::path here = std::filesystem::current_path();
  std::filesystem::current_path("/");
  const mode_t before = ::umask(0077);
  EXPECT_EQ(state.restore().restored, (Texts{"the working folder", "the mode of new files"}));
  EXPECT_EQ(std::filesystem::current_path(), here);
  EXPECT_EQ(::umask(before), before);
}

TEST(ProcessState, LimitsAreRestored) {
  ProcessState state;
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = before == 0 ? limit.rlim_max : 0;
  if (limit.rlim_cur == before) GTEST_SKIP() << "the limit cannot be changed here";
  ::setrlimit(RLIMIT_CORE, &limit);
  EXPECT_EQ(state.restore().restored, Texts{"the limits of the process"});
  ::getrlimit(RLIMIT_CORE, &limit);
  EXPECT_EQ(limit.rlim_cur, before);
}

TEST(ProcessState, AThreadAtWorkStays) {
  ProcessState state;
  std::atomic<bool> ends = false;
  std::thread busy([&] {
    while (!ends) continue;
  });
  EXPECT_EQ(state.restore().stays, Texts{"a thread that goes on"});
  ends = true;
  busy.join();
  EXPECT_EQ(state.restore().stays, Texts{});
}

TEST(Aftermath, EndsProcessesAndNamesThem) {
  Aftermath aftermath;
  EXPECT_NO_THROW(aftermath.clear());
  if (::fork() == 0) {
    for (;;) ::pause();
  }
  try {
    aftermath.clear();
    ADD_FAILURE() << "no error";
  } catch (const EnvironmentError& error) {
    EXPECT_EQ(error.status, Status::crashed);
    testing::expect_contains(error.what(), "left 1 process behind");
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "the process is still there";
}

}  // namespace
}  // namespace flashcore
