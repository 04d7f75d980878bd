// Child processes that crash, hang or send invalid answers, and real workers behind a WorkerExecutor.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <fstream>

#include "registry/registry.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"
#include "worker/worker_executor.hpp"

namespace flashcore {
namespace {

using std::chrono::milliseconds;
using testing::expect_contains;
using testing::TemporaryFolder;
using Kind = ChildProcess::Received::Kind;

constexpr milliseconds kLong{20'000};

ChildProcess shell(const std::string& script) { return ChildProcess("/bin/sh", {"sh", "-c", script}); }

ChildProcess::Received receive(ChildProcess& child, milliseconds patience = kLong) {
  return child.receive(ChildProcess::Clock::now() + patience);
}

void send(ChildProcess& child, std::string_view line, milliseconds patience = kLong) {
  child.send(line, ChildProcess::Clock::now() + patience);
}

TEST(ChildProcess, SendsLinesThatNoBufferHolds) {
  ChildProcess child = shell("read line; echo ${#line}");
  send(child, std::string(400'000, 'x'));
  EXPECT_EQ(receive(child).line, "400000");
}

TEST(ChildProcess, SendReturnsAtTheDeadline) {
  ChildProcess child = shell("exec sleep 1000");
  send(child, std::string(10'000'000, 'x'), milliseconds(50));
  EXPECT_EQ(child.end(milliseconds(0)), "did not exit and was killed");
}

TEST(ChildProcess, ExchangesLines) {
  ChildProcess child("/bin/cat", {"cat"});
  send(child, "one");
  EXPECT_EQ(receive(child).line, "one");
  send(child, std::string(10'000, 'x'));
  EXPECT_EQ(receive(child).line.size(), 10'000u);
}

TEST(ChildProcess, ReceiveReturnsAtTheDeadline) {
  ChildProcess child = shell("exec sleep 1000");
  EXPECT_EQ(receive(child, milliseconds(50)).kind, Kind::deadline);
  EXPECT_EQ(child.end(milliseconds(0)), "did not exit and was killed");
}

TEST(ChildProcess, ReportsHowItEndedAndItsLastErrorLine) {
  ChildProcess child = shell("echo first >&2; echo 'no such luck' >&2; kill -SEGV $$");
  EXPECT_EQ(receive(child).kind, Kind::closed);
  EXPECT_EQ(child.end(kLong), "was killed by SIGSEGV (Segmentation fault)");
  EXPECT_EQ(child.last_error_line(), "no such luck");
  ChildProcess other = shell("exit 7");
  EXPECT_EQ(receive(other).kind, Kind::closed);
  EXPECT_EQ(other.end(kLong), "exited with code 7");
}

TEST(ChildProcess, MayWriteMoreErrorsThanAPipeHolds) {
  ChildProcess child = shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2; echo done");
  EXPECT_EQ(receive(child).line, "done");
  EXPECT_EQ(child.end(kLong), "exited with code 0");
  EXPECT_EQ(child.last_error_line(), "end");
}

TEST(ChildProcess, IgnoresCtrlC) {
  ChildProcess child = shell("read line; echo $line");
  ::kill(child.id(), SIGINT);
  ::kill(child.id(), SIGTERM);
  ::kill(child.id(), SIGHUP);
  send(child, "still here");
  EXPECT_EQ(receive(child).line, "still here");
}

TEST(ChildProcess, LeavesNoZombie) {
  { const ChildProcess child = shell("read line"); }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ChildProcess, AMissingProgramIsAnError) {
  EXPECT_THROW(ChildProcess("/no/such/program", {"program"}), EnvironmentError);
}

// A program that sends hello and then runs the script.
class FakeWorker {
 public:
  // Without another hello it speaks a version that has no ids.
  explicit FakeWorker(const std::string& script, const Hello& hello = {.protocol = kProtocolWithIds - 1}) {
    std::ofstream(path()) << "#!/bin/sh\necho '" << to_line(to_json(hello)) << "'\n" << script << "\n";
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  WorkerOptions options() const { return {.program = path(), .timeout_s = 1, .flag = "--live"}; }

 private:
  std::string path() const { return (folder_ / "worker.sh").string(); }
  TemporaryFolder folder_;
};

// The status of the failure of one request; ok if it succeeds.
Status failure_of(const FakeWorker& worker, std::string* reason = nullptr, double timeout_s = 20) {
  WorkerLink link(worker.options());
  try {
    link.ask({{"call", "sample"}}, timeout_s);
  } catch (const EnvironmentError& error) {
    EXPECT_EQ(link.is_up(), error.status == Status::error || error.status == Status::incorrect);
    if (reason != nullptr) *reason = error.what();
    return error.status;
  }
  return Status::ok;
}

TEST(WorkerLink, AnotherProtocolNamesTheFlag) {
  for (const int protocol : {kProtocolVersion + 1, kOldestProtocolVersion - 1}) {
    const FakeWorker worker("read line", {.protocol = protocol});
    EXPECT_USAGE_ERROR(WorkerLink(worker.options()), "--live: ");
  }
}

TEST(WorkerLink, SpeaksThePreviousProtocolVersion) {
  EXPECT_LT(kOldestProtocolVersion, kProtocolVersion);
  for (int protocol = kOldestProtocolVersion; protocol < kProtocolWithIds; ++protocol) {
    const FakeWorker worker("read line; echo '{\"result\":1}'; read line", {.protocol = protocol});
    EXPECT_EQ(failure_of(worker), Status::ok) << protocol;
  }
}

// Reads a request and sets $id.
constexpr const char* kReadId = R"x(read line; id=$(echo "$line" | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/'); )x";

FakeWorker worker_with_ids(const std::string& script) {
  return FakeWorker(kReadId + script, {.protocol = kProtocolVersion});
}

TEST(WorkerLink, AnAnswerHasTheIdOfItsRequest) {
  EXPECT_EQ(failure_of(worker_with_ids(R"(echo "{\"result\":1,\"id\":\"$id\"}"; read line)")), Status::ok);
  std::string reason;
  for (const char* forged : {R"(echo '{"result":1}')", R"(echo '{"result":1,"id":"0123"}')",
                             R"(echo '{"failure":{"status":"error","message":"x"}}')"}) {
    EXPECT_EQ(failure_of(worker_with_ids(std::string(forged) + "; read line"), &reason), Status::crashed);
    expect_contains(reason, "answers no request");
  }
}

TEST(WorkerLink, ALineTooManyIsSeen) {
  const FakeWorker worker = worker_with_ids(R"(echo "{\"result\":1,\"id\":\"$id\"}"; echo more; read line)");
  WorkerLink link(worker.options());
  EXPECT_FALSE(link.has_stray_line());
  link.ask({{"call", "sample"}}, 20);
  const auto give_up = ChildProcess::Clock::now() + kLong;
  while (!link.has_stray_line() && ChildProcess::Clock::now() < give_up) continue;
  EXPECT_TRUE(link.has_stray_line());
}

TEST(WorkerLink, AnIncorrectVariantDoesNotEndTheWorker) {
  const std::string answer = to_line(failure_to_json("launches no kernel", Status::incorrect));
  const FakeWorker worker("read line; echo '" + answer + "'; read line; echo '{\"result\":1}'; read line");
  WorkerLink link(worker.options());
  EXPECT_THROW(link.ask({{"call", "sample"}}, 20), EnvironmentError);
  EXPECT_TRUE(link.is_up());
  EXPECT_NO_THROW(link.ask({{"call", "sample"}}, 20));
}

TEST(ChildProcess, OpenMpWaitsPassivelyUnlessTheUserSetsAPolicy) {
  ::unsetenv("OMP_WAIT_POLICY");
  ChildProcess usual = shell("echo $OMP_WAIT_POLICY");
  EXPECT_EQ(receive(usual).line, "passive");
  ::setenv("OMP_WAIT_POLICY", "active", 1);
  ChildProcess active = shell("echo $OMP_WAIT_POLICY");
  EXPECT_EQ(receive(active).line, "active");
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
}

TEST(WorkerLink, EveryKindOfFailureHasItsStatus) {
  std::string reason;
  EXPECT_EQ(failure_of(FakeWorker("read line; echo '{\"result\":1}'; read line")), Status::ok);
  EXPECT_EQ(failure_of(FakeWorker("read line; exec sleep 1000"), &reason, 0.2), Status::timeout);
  expect_contains(reason, "0.2 s (--timeout)");
  EXPECT_EQ(failure_of(FakeWorker("read line; echo oh no >&2; kill -ABRT $$"), &reason), Status::crashed);
  expect_contains(reason, "SIGABRT");
  expect_contains(reason, "oh no");
  EXPECT_EQ(failure_of(FakeWorker("read line; kill -KILL $$")), Status::crashed);
  EXPECT_EQ(failure_of(FakeWorker("read line; echo nonsense; read line")), Status::crashed);
  for (const Status status : {Status::out_of_memory, Status::crashed, Status::error, Status::incorrect}) {
    const std::string answer = to_line(failure_to_json("so it is", status));
    EXPECT_EQ(failure_of(FakeWorker("read line; echo '" + answer + "'; read line"), &reason), status);
    EXPECT_EQ(reason, "so it is");
  }
}

TEST(WorkerLink, AWorkerWithoutHelloIsAnError) {
  TemporaryFolder folder;
  EXPECT_THROW(WorkerLink({.program = "/bin/true", .flag = "--live"}), EnvironmentError);
  EXPECT_THROW(WorkerLink({.program = (folder / "none").string(), .flag = "--live"}), EnvironmentError);
}

TEST(WorkerLink, ErrorsBeforeTheHelloArePassedOn) {
  try {
    WorkerLink({.program = FLASHCORE_BENCH, .plugins = {"none.so"}, .flag = "--live"});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    expect_contains(error.what(), "--live: " FLASHCORE_BENCH ": --plugin: none.so");
  }
}

constexpr int kDrillVariants = 10;

class WorkerExecutorTest : public ::testing::Test {
 protected:
  // The n-th variant of tests/plugin/drill_plugin.c, from 1. It has only an id; the worker has its kernel.
  static const Variant& drill(std::size_t number) {
    static const std::vector<Variant> variants = [] {
      std::vector<Variant> all;
      for (int block_kv = 1; block_kv <= kDrillVariants; ++block_kv) {
        all.push_back({.family = "drill", .spec = {Dtype::bf16, 64, {.block_kv = block_kv}}});
      }
      return all;
    }();
    return variants.at(number - 1);
  }
  template <class Call>
  static Status status_of(Call call) {
    try {
      call();
      return Status::ok;
    } catch (const EnvironmentError& error) {
      return error.status;
    }
  }

  Problem problem{.seq_q = 8, .dtype = Dtype::bf16, .scale = 0.125};
  WorkerExecutor executor{
      {.program = FLASHCORE_BENCH, .device = "cpu", .plugins = {FLASHCORE_DRILL_PLUGIN}, .timeout_s = 20}};
};

TEST_F(WorkerExecutorTest, RunsVariants) {
  executor.prepare(problem, 1);
  EXPECT_EQ(executor.device().backend, Backend::cpu);
  EXPECT_GT(executor.required_bytes(problem), 0);
  EXPECT_EQ(executor.unsupported(drill(1)), "");
  EXPECT_TRUE(executor.verify(drill(1), {}).passed);
  EXPECT_TRUE(executor.verify_sample(drill(1), TimingMode::hot, {}).check.passed);
  EXPECT_FALSE(executor.verify(drill(6), {}).passed);
  int launches = 1;  // on a busy machine it may stay one
  for (int i = 0; i < 20 && launches == 1; ++i) {
    executor.prepare(problem, 1);
    const Sample sample = executor.sample(drill(1), TimingMode::hot);
    launches = sample.launches;
    EXPECT_GT(sample.us, 0);
    EXPECT_GE(sample.request_us, sample.us * sample.launches);
  }
  EXPECT_GT(executor.contrast(drill(1), 1).changed_us, 0);
  const std::vector<std::string> ids = executor.variant_ids();
  EXPECT_EQ(ids.size(), all_variants().size() + kDrillVariants);
}

TEST_F(WorkerExecutorTest, AVariantThatEndedAWorkerIsNotRunAgain) {
  executor.prepare(problem, 1);
  EXPECT_EQ(status_of([&] { executor.verify(drill(2), {}); }), Status::crashed);
  EXPECT_EQ(executor.process_id(), -1);
  EXPECT_EQ(status_of([&] { executor.verify(drill(2), {}); }), Status::crashed);
  EXPECT_EQ(executor.process_id(), -1) << "the variant was run again";
  EXPECT_TRUE(executor.verify(drill(1), {}).passed);
}

TEST_F(WorkerExecutorTest, SurvivesKill9) {
  executor.prepare(problem, 1);
  EXPECT_TRUE(executor.verify(drill(1), {}).passed);
  ::kill(executor.process_id(), SIGKILL);
  Status status = Status::ok;  // the guard is killed; the worker ends after it
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (status == Status::ok && std::chrono::steady_clock::now() < deadline) {
    status = status_of([&] { executor.sample(drill(1), TimingMode::call); });
  }
  EXPECT_EQ(status, Status::crashed);
  EXPECT_TRUE(executor.verify(drill(10), {}).passed);
  executor.prepare(problem, 2);
  EXPECT_TRUE(executor.verify(drill(1), {}).passed) << "a new problem must start a new worker";
}

}  // namespace
}  // namespace flashcore
