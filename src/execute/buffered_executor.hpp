// What executors in this process share: the buffers of the prepared problem, and the checks on them.
#pragma once

#include <memory>
#include <string>
#include <vector>

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
  CheckedSample verify_sample(const Variant& variant, TimingMode mode, const CheckPolicy& policy) override;
  std::string output_hash() const override { return buffers_->outputs().hash(); }

 protected:
  explicit BufferedExecutor(Launcher launcher) : launcher_(std::move(launcher)) {}

  // Drops what holds addresses of the buffers: they are about to go, or the workspace has moved.
  virtual void forget_addresses() {}

  // Launches what sample() launches once and keeps, so that a sample is nothing but the launches that it times.
  virtual void warm(const Variant& variant, TimingMode mode) = 0;

  ProblemBuffers& buffers() { return *buffers_; }
  const ProblemBuffers& buffers() const { return *buffers_; }
  Launcher& launcher() { return launcher_; }
  const Launcher& launcher() const { return launcher_; }

  // As Launcher::args().
  AttentionArgs args(const Variant& variant, InputView view);

  // The views that launches of a timing mode read in turns, at least two.
  std::vector<InputView> views_of(TimingMode mode);
  // The view that the last launch of a sample read.
  void set_last_view(InputView view) { last_view_ = view; }

 private:
  void wait_for(const Variant& variant) const;
  // Other values in the first `sets` input sets, as they are before a launch that guard() judges.
  void change_inputs(std::int64_t sets);
  // Adds to a check what outputs do not show: changed inputs, and outputs that somebody writes later.
  Check guard(Check check);
  // Runs once more on the inputs of the last sample and compares with what the sample left.
  Check compare_with_lone_launch(Check check, const Variant& variant);

  Launcher launcher_;
  std::unique_ptr<ProblemBuffers> buffers_;
  const void* workspace_ = nullptr;  // the last one that a variant asked for
  InputView last_view_;
};

}  // namespace flashcore
