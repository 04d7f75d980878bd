// The executor of one CUDA device.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "device/cuda_device.hpp"
#include "device/cuda_memory.hpp"
#include "device/machine_code.hpp"
#include "execute/buffered_executor.hpp"

namespace flashcore {

class CudaExecutor final : public BufferedExecutor {
 public:
  explicit CudaExecutor(int device_index);

  Sample sample(const Variant& variant, TimingMode mode) override;
  std::optional<Control> control(double us) override;
  Contrast contrast(const Variant& variant, int pairs) override;
  Resources resources(const Variant& variant) const override;
  void measure_ceilings() override;
  std::string code_hash(const Variant& variant) const override;

 private:
  // A graph of back-to-back launches. begin_ and end_ are its first and its last node, so that the time that
  // host and device take to start the graph is not measured.
  struct LaunchGraph {
    GraphExecHandle graph;
    int launches = 0;
    double launch_us = 0;  // approximate; 0: unknown
  };

  void forget_addresses() override {
    graphs_.clear();
    scrambles_.clear();
  }
  void warm(const Variant& variant, TimingMode mode) override;
  CUstream_st* stream() const { return static_cast<CUstream_st*>(launcher().device().stream()); }
  double elapsed_us(std::string_view what, int launches);
  double call_us(const Variant& variant, InputView view);
  const LaunchGraph& graph(const Variant& variant, TimingMode mode);
  double replay_us(const Variant& variant, const LaunchGraph& launches);
  // Microseconds of the faster of two lone launches, by waited_us().
  double lone_us(const Variant& variant, InputView first, InputView second);
  // Approximate microseconds of a launch: from a graph of the variant, or from lone launches if it has none.
  double launch_us(const Variant& variant);
  LaunchGraph record_graph(const Variant& variant, TimingMode mode);
  LaunchGraph record_scrambles(const Variant& variant, int count, bool change, bool with_launches);
  // `queue` queues `count` launches on stream() and returns the first code that is not 0.
  LaunchGraph record_launches(const Variant& variant, int count, const std::function<int()>& queue);
  GraphHandle capture(const Variant& variant, const std::function<int()>& queue);

  MachineCode code_;
  int max_threads_per_sm_ = 0;
  EventHandle begin_;
  EventHandle end_;
  std::size_t next_call_ = 0;  // counts lone launches, which read the views in turns
  std::map<std::pair<const Variant*, TimingMode>, LaunchGraph> graphs_;  // of the prepared problem
  std::map<int, LaunchGraph> scrambles_;  // passes without launches, by their number; for all variants
};

}  // namespace flashcore
