// An executor whose work is done by another process.
//
//   run, tune, compare ── WorkerExecutor ── socket, JSON lines ── flashcore-bench worker ── Executor
//
// The worker holds buffers, launches, checks and takes the samples, so that times are those of an executor in
// this process; one line each way stands between two samples, never inside of one. A variant that crashes,
// hangs or takes all memory takes the worker with it: the call throws an EnvironmentError whose status goes
// into the record, the variant is not run on that problem again, and the next call starts another worker and
// prepares the problem again. Nothing can hang: each call has a time limit, after which the worker is killed,
// and a worker ends with its parent (at the end of its input, or by the kernel's hand).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "execute/executor.hpp"
#include "worker/worker_link.hpp"

namespace flashcore {

class WorkerExecutor final : public Executor {
 public:
  // Throws as WorkerLink does.
  explicit WorkerExecutor(WorkerOptions options);
  ~WorkerExecutor() override;

  // The build at the other end.
  const Hello& hello() const;
  // Every variant of that build. Throws EnvironmentError.
  std::vector<std::string> variant_ids();
  // Of the worker that works now; -1 while there is none.
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
  Check verify_sample(const Variant& variant, TimingMode mode, const CheckPolicy& policy) override;
  Contrast contrast(const Variant& variant, int pairs) override;
  Resources resources(const Variant& variant) const override;
  std::string code_hash(const Variant& variant) const override;

 private:
  class Session;  // the worker of the moment and what it was told; asking may replace it, so it is not const

  Check ask_for_check(const Variant& variant, const CheckPolicy& policy, Json question);

  std::unique_ptr<Session> session_;
  DeviceInfo device_;
};

}  // namespace flashcore
