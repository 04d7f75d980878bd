// The common part of executors in this process: the buffers of the prepared problem, and their checks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check/company_buffers.hpp"
#include "execute/executor.hpp"
#include "execute/launcher.hpp"

namespace flashcore {

inline UnusedRows unused_rows_for(const Variant& variant) {
  return variant.reads_unused_rows ? UnusedRows::finite : UnusedRows::nan;
}

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
  Sample sample(const Variant& variant, TimingMode mode) final;
  CheckedSample verify_sample(const Variant& variant, TimingMode mode, const CheckPolicy& policy) override;
  Check verify_replays(const Variant& variant, const CheckPolicy& policy, int deals) override;
  BatchInvariance test_batch_invariance(const Variant& variant) override;
  KernelNotes notes(const Variant& variant) const override;
  std::string output_hash() const override { return buffers_->outputs().hash(); }

 protected:
  explicit BufferedExecutor(Launcher launcher) : launcher_(std::move(launcher)) {}

  // Drops objects that contain addresses of the buffers. Called before the buffers are freed, and when the
  // workspace has moved.
  virtual void forget_addresses() {}

  // sample(), but does not see whether something compiles.
  virtual Sample take_sample(const Variant& variant, TimingMode mode) = 0;

  // Does the launches that sample() does only once per variant and mode, so that the next sample has only the
  // launches that it times.
  virtual void warm(const Variant& variant, TimingMode mode) = 0;

  // A launch on the first view of the inputs that can be made again: of CUDA, a captured graph.
  virtual std::function<void()> repeatable(const Variant& variant);

  bool is_prepared() const { return buffers_ != nullptr; }
  ProblemBuffers& buffers() { return *buffers_; }
  const ProblemBuffers& buffers() const { return *buffers_; }
  Launcher& launcher() { return launcher_; }
  const Launcher& launcher() const { return launcher_; }

  // Like Launcher::args(). Calls forget_addresses() if the workspace has moved.
  AttentionArgs args(const Variant& variant, InputView view);

  // The views that launches of a timing mode read in turns, at least two.
  std::vector<InputView> views_of(TimingMode mode);
  // `view` is the view that the last launch of a sample read.
  void set_last_view(InputView view) { last_view_ = view; }

 private:
  void wait_for(const Variant& variant) const;
  void set_lengths(const Lengths& lengths);
  bool is_right_elsewhere(const Variant& variant, const CheckPolicy& policy);
  // Writes other values into the first `sets` input sets, and remembers them for guard().
  void change_inputs(std::int64_t sets);
  // Fails a check if the inputs have changed, or if the output has changed after the launch was complete.
  Check guard(Check check);
  // Launches once on the inputs of the last sample, and compares the output with the sample's output.
  Check compare_with_lone_launch(Check check, const Variant& variant);

  void exchange_buffers(std::unique_ptr<ProblemBuffers>& other);
  std::string unsupported(const Variant& variant, const Company& company, bool lse) const;
  // Tests the variant in the companies of one probe, up to the first in which its bits differ.
  void test_companies(const Variant& variant, CompanyBuffers& companies, BatchInvariance& found);
  // The functions below work in the buffers of a company.
  CompanyOutput output_of(const Variant& variant, const std::function<void()>& launch);
  bool has_bits_in(const Variant& variant, const CompanyBuffers& companies, const Company& company,
                   const CompanyOutput& alone);
  bool has_bits_replayed(const Variant& variant, const CompanyBuffers& companies, const Company& company,
                         const CompanyOutput& alone);

  Launcher launcher_;
  std::unique_ptr<ProblemBuffers> buffers_;
  std::vector<CompanyBuffers>
      companies_;                    // like the prepared problem; made for the first variant that is tested
  const void* workspace_ = nullptr;  // the last one that a variant asked for
  InputView last_view_;
};

}  // namespace flashcore
