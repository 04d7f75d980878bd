#include "python/worker_session.hpp"

#include <unistd.h>

#include <deque>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "config/plan.hpp"
#include "diagnose/child_diagnosis.hpp"
#include "python/callable_family.hpp"
#include "python/problem_text.hpp"
#include "worker/serve.hpp"
#include "worker/worker_executor.hpp"

namespace nb = nanobind;

namespace flashcore {
namespace {

// A worker ends with the thread that started it, so each thread has its own.
struct StartedWorker {
  std::vector<std::string> command;
  double timeout_s = 0;
  std::unique_ptr<WorkerExecutor> executor;
  pid_t owner = ::getpid();

  StartedWorker() = default;
  StartedWorker(const StartedWorker&) = delete;
  StartedWorker& operator=(const StartedWorker&) = delete;
  ~StartedWorker() { end(); }

  // A process that was forked leaves its parent's worker alone.
  void end() {
    if (owner != ::getpid()) (void)executor.release();
    executor.reset();
    owner = ::getpid();
  }
};
thread_local StartedWorker worker;

bool answers(WorkerExecutor& executor) {
  try {
    return executor.process_id() != -1 && !executor.variant_ids().empty();
  } catch (const Error&) {
    return false;
  }
}

CallableFamily& add_family(std::deque<CallableFamily>& families, nb::handle adapter) {
  return families.emplace_back(nb::borrow(adapter));
}

}  // namespace

std::string start_worker(const std::vector<std::string>& command, double timeout_s) {
  const bool same = worker.owner == ::getpid() && worker.command == command && worker.timeout_s == timeout_s;
  if (same && worker.executor != nullptr && answers(*worker.executor)) return "";
  worker.end();
  worker.command = command;
  worker.timeout_s = timeout_s;
  const WorkerOptions options{.program = command.front(),
                              .timeout_s = timeout_s,
                              .arguments = command,
                              .timeout_flag = "timeout",
                              .interrupted = python_interrupted};
  try {
    worker.executor = std::make_unique<WorkerExecutor>(options);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Executor& started_worker() {
  if (worker.executor == nullptr) throw UsageError("no worker was started");
  return *worker.executor;
}

void end_worker() { worker.end(); }

bool python_interrupted() {
  const nb::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() == 0) return interrupt_requested();
  PyErr_Clear();
  request_interrupt(true);
  return true;
}

void serve_kernels(const std::string& device, const std::vector<std::string>& plugins,
                   const nb::object& load) {
  std::deque<CallableFamily> families;
  serve(parse_device(device, "device"), plugins, [&] {
    for (const nb::handle adapter : nb::cast<nb::list>(load())) add_family(families, adapter);
    return FurtherVariants([&families](const Problem& problem) {
      std::vector<const Variant*> variants;
      for (CallableFamily& family : families) variants.push_back(&family.variant_for(problem));
      return variants;
    });
  });
}

void send_kernel_diagnosis(const std::string& device, const std::string& problem, std::uint64_t seed,
                           const nb::object& load) {
  std::deque<CallableFamily> families;
  const Problem asked = read_problem(problem);
  serve_diagnosis([&]() -> DiagnosisTask {
    const Variant& variant = add_family(families, load()).variant_for(asked);
    return {parse_device(device, "device"), &variant, asked, seed};
  });
}

}  // namespace flashcore
