// An executor that runs variants in a worker process.
//
//   run, tune, compare ── WorkerExecutor ── socket, JSON lines ── flashcore-bench worker ── Executor
//
// The worker holds the buffers, launches, checks and takes the samples, so its times equal those of an
// executor in this process: the messages are exchanged between samples, not during one.
//
// A variant that crashes, hangs or allocates all memory ends the worker. The call then throws an
// EnvironmentError whose status goes into the record. The variant is not run on that problem again. The next
// call starts a new worker and prepares the problem again.
//
// Every call has a time limit, after which the worker is killed. A worker exits with its parent: at the end
// of its input, or because the kernel kills it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "execute/executor.hpp"
#include "worker/worker_link.hpp"

namespace flashcore {

class ProblemWorker;

class WorkerExecutor final : public Executor {
 public:
  // Throws like WorkerLink's constructor.
  explicit WorkerExecutor(WorkerOptions options);
  ~WorkerExecutor() override;

  // The worker's build and device.
  const Hello& hello() const;
  // The ids of all variants of the worker's build. Throws EnvironmentError.
  std::vector<std::string> variant_ids();
  // The current worker's process id; -1 if there is no worker.
  pid_t process_id() const;

  const DeviceInfo& device() const override { return device_; }
  void measure_ceilings() override;
  std::int64_t required_bytes(const Problem& problem) const override;
  void prepare(const Problem& problem, std::uint64_t seed,
               kernels::InputKind inputs = kernels::InputKind::normal) override;
  std::string unsupported(const Variant& variant) const override;
  Check verify(const Variant& variant, const CheckPolicy& policy) override;
  std::string output_hash() const override;
  Sample sample(const Variant& variant, TimingMode mode) override;
  // A build of protocol 2 has neither: verify() takes the place of the first, and the second shows no difference.
  Check verify_replays(const Variant& variant, const CheckPolicy& policy, int deals) override;
  BatchInvariance test_batch_invariance(const Variant& variant) override;
  CheckedSample verify_sample(const Variant& variant, TimingMode mode, const CheckPolicy& policy) override;
  Contrast contrast(const Variant& variant, int pairs) override;
  std::optional<Control> control(double us) override;
  Resources resources(const Variant& variant) const override;
  std::string code_hash(const Variant& variant) const override;
  std::string why_direct(const Variant& variant) const override;
  KernelNotes notes(const Variant& variant) const override;
  std::vector<std::string> left_behind(const Variant& variant) const override;

 private:
  std::unique_ptr<ProblemWorker> session_;  // const functions may replace the worker
  DeviceInfo device_;
};

}  // namespace flashcore
