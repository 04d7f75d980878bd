// What executors in this process share: the buffers of the prepared problem, and the checks on them.
#pragma once

#include <memory>
#include <string>

#include "execute/executor.hpp"
#include "execute/launcher.hpp"

namespace flashcore {

class BufferedExecutor : public Executor {
 public:
  const DeviceInfo& device() const override { return launcher_.info(); }
  std::int64_t required_bytes(const Problem& problem) const override {
    return ProblemBuffers::required_bytes(problem, device(), launcher_.device());
  }
  void prepare(const Problem& problem, std::uint64_t seed,
               kernels::InputKind inputs = kernels::InputKind::normal) override;
  std::string unsupported(const Variant& variant) const override;
  Check verify(const Variant& variant, const CheckPolicy& policy) override;
  Check verify_negated(const Variant& variant, const CheckPolicy& policy) override;
  std::string output_hash() const override { return buffers_->output_hash(); }

 protected:
  explicit BufferedExecutor(Launcher launcher) : launcher_(std::move(launcher)) {}

  // Drops what holds addresses of the buffers: they are about to go, or the workspace has moved.
  virtual void forget_addresses() {}

  ProblemBuffers& buffers() { return *buffers_; }
  const ProblemBuffers& buffers() const { return *buffers_; }
  Launcher& launcher() { return launcher_; }
  const Launcher& launcher() const { return launcher_; }

  // As Launcher::args().
  AttentionArgs args(const Variant& variant, std::int64_t set);

 private:
  Launcher launcher_;
  std::unique_ptr<ProblemBuffers> buffers_;
  const void* workspace_ = nullptr;  // the last one that a variant asked for
};

}  // namespace flashcore
