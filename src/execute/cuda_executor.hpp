// The executor of one CUDA device.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "check/cuda_problem.hpp"
#include "device/cuda_device.hpp"
#include "device/machine_code.hpp"
#include "execute/executor.hpp"

namespace flashcore {

class CudaExecutor final : public Executor {
 public:
  explicit CudaExecutor(int device_index);

  const DeviceInfo& device() const override { return device_; }
  std::int64_t required_bytes(const Problem& problem) const override;
  void prepare(const Problem& problem, std::uint64_t seed,
               kernels::InputKind inputs = kernels::InputKind::normal) override;
  std::string unsupported(const Variant& variant) const override;
  Check verify(const Variant& variant, const CheckPolicy& policy) override;
  std::string output_hash() const override { return problem_->output_hash(stream_.get()); }
  Check verify_negated(const Variant& variant, const CheckPolicy& policy) override;
  double sample(const Variant& variant, TimingMode mode) override;
  double sample_poisoned(const Variant& variant) override;
  int launches_per_sample(const Variant& variant, TimingMode mode) override;
  Resources resources(const Variant& variant) const override;
  void measure_ceilings() override;
  std::string code_hash(const Variant& variant) const override;

 private:
  // A graph of back-to-back launches between begin_ and end_, which are its first and its last node: the time
  // that the host and the device take to start a graph lies before.
  struct LaunchGraph {
    GraphExecHandle graph;
    int launches = 0;
  };

  AttentionArgs args(const Variant& variant, int set);
  void launch(const Variant& variant, const AttentionArgs& args);
  double elapsed_us(const Variant& variant, int launches);
  double call_us(const Variant& variant);
  const LaunchGraph& graph(const Variant& variant, TimingMode mode);
  double replay_us(const Variant& variant, const LaunchGraph& launches);
  LaunchGraph record_graph(const Variant& variant, TimingMode mode);
  LaunchGraph record_launches(const Variant& variant, int launches, int sets);
  GraphHandle capture(const Variant& variant, int launches, int sets);

  DeviceInfo device_;
  MachineCode code_;
  int max_threads_per_sm_ = 0;
  StreamHandle stream_;
  EventHandle begin_;
  EventHandle end_;
  std::unique_ptr<CudaProblem> problem_;
  DeviceBuffer workspace_;
  std::map<std::pair<const Variant*, TimingMode>, LaunchGraph> graphs_;  // of the prepared problem
};

}  // namespace flashcore
