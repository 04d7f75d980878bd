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

  std::optional<Control> control(double us) override;
  Contrast contrast(const Variant& variant, int pairs) override;
  Resources resources(const Variant& variant) const override;
  void measure_ceilings() override;
  std::string settle() override;
  std::string code_hash(const Variant& variant) const override;
  std::string why_direct(const Variant& variant) const override;

 private:
  using Queue = std::function<int()>;  // queues work on stream() and returns the first code that is not 0

  // A graph of back-to-back launches. begin_ and end_ are nodes of it, so that the time that host and device take to
  // start the graph is not measured.
  struct LaunchGraph {
    GraphExecHandle graph;  // null: the launches are direct calls of `queue`
    Queue queue = {};
    int launches = 0;
    double launch_us = 0;  // approximate; 0: unknown
  };

  void forget_addresses() override {
    graphs_.clear();
    scrambles_.clear();
    direct_.clear();
  }
  Sample take_sample(const Variant& variant, TimingMode mode) override;
  void warm(const Variant& variant, TimingMode mode) override;
  std::function<void()> repeatable(const Variant& variant) override;
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
  // A graph of `count` launches, which `queue` queues on stream(), between two events. With `collect`, Family::collect
  // follows the second event. If a graph cannot capture the launches and the variant allows it, the result has a copy of
  // `queue` in place of a graph.
  LaunchGraph record_launches(const Variant& variant, int count, const Queue& queue, bool collect);
  LaunchGraph capture_launches(const Variant& variant, int count, const Queue& queue, bool collect);
  GraphHandle capture(const Variant& variant, const Queue& queue);

  MachineCode code_;
  int max_threads_per_sm_ = 0;
  EventHandle begin_;
  EventHandle end_;
  std::size_t next_call_ = 0;  // counts lone launches, which read the views in turns
  std::map<std::pair<const Variant*, TimingMode>, LaunchGraph> graphs_;  // of the prepared problem
  std::map<int, LaunchGraph> scrambles_;  // passes without launches, by their number; for all variants
  std::map<const Variant*, std::string> direct_;  // variants whose launches no graph captured, and why
};

}  // namespace flashcore
