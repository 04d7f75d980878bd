#include "execute/cuda_executor.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <nvtx3/nvtx3.hpp>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "kernels/reference/cuda_reference.hpp"

namespace flashcore {
namespace {

// A sample is one graph that lasts about this long, so that the time of its two events is negligible.
constexpr double kSampleUs = 1000;
constexpr int kMaxLaunches = 400;
// A graph that lasts a smaller share of kSampleUs is recorded again with more launches.
constexpr double kShortSample = 0.9;
// The launches of a graph in contrast() last about this long.
constexpr double kContrastUs = 200;
constexpr int kMaxContrastLaunches = 20;

constexpr double kMinControlUs = 200;  // the event records are short beside it
constexpr double kMaxControlUs = 100'000;

// Microseconds per launch, which set the number of launches in a graph. If the events show far less time than
// this program waited, the waiting time counts: a sample could otherwise last for minutes.
template <class Time>
double waited_us(int launches, Time time_us) {
  constexpr double kMaxShare = 2;
  constexpr double kOverheadUs = 2000;  // of a first launch
  const auto begin = std::chrono::steady_clock::now();
  const double us = time_us();
  const std::chrono::duration<double, std::micro> waited = std::chrono::steady_clock::now() - begin;
  return waited.count() > kMaxShare * us * launches + kOverheadUs ? waited.count() / launches : us;
}

}  // namespace

CudaExecutor::CudaExecutor(int device_index)
    : BufferedExecutor(open_cuda_launcher(device_index)),
      code_(MachineCode::of_this_program(device().limits.compute_capability)),
      max_threads_per_sm_(cuda_attribute(cudaDevAttrMaxThreadsPerMultiProcessor, device_index)),
      begin_(make_event()),
      end_(make_event()) {
  launcher().info().code_problem = code_.problem();
}

// Waits for end_. Returns the microseconds per launch between begin_ and end_.
double CudaExecutor::elapsed_us(std::string_view what, int launches) {
  cuda_check(cudaEventSynchronize(end_.get()), fmt::format("running {}", what));
  float milliseconds = 0;
  cuda_check(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()), "reading the events");
  return 1e3 * static_cast<double>(milliseconds) / launches;
}

double CudaExecutor::call_us(const Variant& variant, InputView view) {
  const AttentionArgs call_args = args(variant, view);
  cuda_check(cudaStreamSynchronize(stream()), "waiting for the device");
  const nvtx3::scoped_range range(variant.id());
  cuda_check(cudaEventRecord(begin_.get(), stream()), "recording an event");
  launcher().launch(variant, call_args);
  cuda_check(cudaEventRecord(end_.get(), stream()), "recording an event");
  launcher().collect(variant, call_args);
  set_last_view(view);
  return elapsed_us(variant.id(), 1);
}

double CudaExecutor::lone_us(const Variant& variant, InputView first, InputView second) {
  return std::min(waited_us(1, [&] { return call_us(variant, first); }),
                  waited_us(1, [&] { return call_us(variant, second); }));
}

void CudaExecutor::warm(const Variant& variant, TimingMode mode) {
  views_of(mode);
  if (!sampling_of(mode).lone_launch) graph(variant, mode);
}

Sample CudaExecutor::take_sample(const Variant& variant, TimingMode mode) {
  const std::vector<InputView> views = views_of(mode);
  const Sampling& how = sampling_of(mode);
  if (how.lone_launch) return {.us = call_us(variant, views[next_call_++ % views.size()]), .launches = 1};
  const LaunchGraph& launches = graph(variant, mode);
  if (how.rotates_inputs) reset_persisting_l2();
  set_last_view(views.back());  // a graph reads every view equally often
  return {.us = replay_us(variant, launches), .launches = launches.launches};
}

double CudaExecutor::replay_us(const Variant& variant, const LaunchGraph& launches) {
  const nvtx3::scoped_range range(variant.id());
  if (launches.graph != nullptr) {
    cuda_check(cudaGraphLaunch(launches.graph.get(), stream()), "launching a graph");
    return elapsed_us(variant.id(), launches.launches);
  }
  cuda_check(cudaEventRecord(begin_.get(), stream()), "recording an event");
  cuda_check(launches.queue(), fmt::format("launching {}", variant.id()));
  cuda_check(cudaEventRecord(end_.get(), stream()), "recording an event");
  launcher().collect(variant, args(variant, {}));
  return elapsed_us(variant.id(), launches.launches);
}

const CudaExecutor::LaunchGraph& CudaExecutor::graph(const Variant& variant, TimingMode mode) {
  const auto key = std::pair(&variant, mode);
  if (const auto found = graphs_.find(key); found != graphs_.end()) return found->second;
  return graphs_[key] = record_graph(variant, mode);
}

GraphHandle CudaExecutor::capture(const Variant& variant, const Queue& queue) {
  cuda_check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "capturing a graph");
  cudaGraph_t captured = nullptr;
  int code = 0;
  try {
    code = queue();
  } catch (const EnvironmentError&) {
    (void)cudaStreamEndCapture(stream(), &captured);
    const GraphHandle unused(captured);
    (void)cudaGetLastError();  // the queue has reported it
    throw;
  }
  const cudaError_t ended = cudaStreamEndCapture(stream(), &captured);
  GraphHandle graph(captured);
  cuda_check(code, fmt::format("launching {} into a graph", variant.id()));
  cuda_check(ended, "capturing a graph");
  return graph;
}

// The time of lone launches sets the length of the first graph. If this graph is short, its time per launch
// sets the length of a second graph. Only the time of back-to-back launches gives equally fast variants
// equally many launches.
CudaExecutor::LaunchGraph CudaExecutor::record_graph(const Variant& variant, TimingMode mode) {
  const std::vector<InputView> views = views_of(mode);
  const auto turn = static_cast<int>(views.size());
  const auto enough = [turn](double one_us) {
    const double launches = std::ceil(kSampleUs / std::max(one_us, 0.1));
    const int most = std::clamp(static_cast<int>(std::min<double>(launches, kMaxLaunches)), 2, kMaxLaunches);
    return (most + turn - 1) / turn * turn;  // whole turns: a replay continues where the last one ended
  };
  const auto record = [&](int launches) {
    return record_launches(
        variant, launches,
        [this, &variant, views, turn, launches] {
          int code = 0;
          for (int i = 0; i < launches && code == 0; ++i)
            code = variant.launch(args(variant, views[static_cast<std::size_t>(i % turn)]), stream());
          return code;
        },
        true);
  };
  LaunchGraph graph = record(enough(lone_us(variant, views[0], views[1])));
  graph.launch_us = waited_us(graph.launches, [&] { return replay_us(variant, graph); });
  if (graph.launches * graph.launch_us > kShortSample * kSampleUs) return graph;
  const double launch_us = std::min(graph.launch_us, replay_us(variant, graph));
  graph = record(enough(launch_us));
  graph.launch_us = launch_us;
  return graph;
}

double CudaExecutor::launch_us(const Variant& variant) {
  for (const TimingMode mode : kAll<TimingMode>) {
    const auto found = graphs_.find({&variant, mode});
    if (found != graphs_.end()) return found->second.launch_us;
  }
  return lone_us(variant, {}, {});
}

CudaExecutor::LaunchGraph CudaExecutor::record_launches(const Variant& variant, int count, const Queue& queue,
                                                        bool collect) {
  if (variant.needs_capture()) return capture_launches(variant, count, queue, collect);
  if (!direct_.contains(&variant)) {
    try {
      return capture_launches(variant, count, queue, collect);
    } catch (const EnvironmentError& error) {
      if (error.status != Status::error) throw;
      direct_[&variant] = error.what();
    }
  }
  return {.graph = {}, .queue = queue, .launches = count};
}

std::string CudaExecutor::why_direct(const Variant& variant) const {
  const auto found = direct_.find(&variant);
  return found == direct_.end() ? "" : found->second;
}

CudaExecutor::LaunchGraph CudaExecutor::capture_launches(const Variant& variant, int count,
                                                         const Queue& queue, bool collect) {
  const GraphHandle launches = capture(variant, queue);
  if (!has_kernel(launches.get())) {
    throw EnvironmentError("launches no kernel while its stream is captured into a CUDA graph",
                           Status::incorrect);
  }
  cudaGraph_t created = nullptr;
  cuda_check(cudaGraphCreate(&created, 0), "creating a graph");
  const GraphHandle timed(created);
  cudaGraphNode_t begin = nullptr;
  cudaGraphNode_t work = nullptr;
  cudaGraphNode_t end = nullptr;
  cuda_check(cudaGraphAddEventRecordNode(&begin, timed.get(), nullptr, 0, begin_.get()), "adding an event");
  cuda_check(cudaGraphAddChildGraphNode(&work, timed.get(), &begin, 1, launches.get()), "adding launches");
  cuda_check(cudaGraphAddEventRecordNode(&end, timed.get(), &work, 1, end_.get()), "adding an event");
  if (variant.collects() && collect) {
    const GraphHandle last = capture(variant, [&] { return variant.collect(args(variant, {}), stream()); });
    cudaGraphNode_t collected = nullptr;
    cuda_check(cudaGraphAddChildGraphNode(&collected, timed.get(), &end, 1, last.get()), "adding a copy");
  }
  cudaGraphExec_t executable = nullptr;
  cuda_check(cudaGraphInstantiate(&executable, timed.get(), 0), "instantiating a graph");
  return {.graph = GraphExecHandle(executable), .queue = {}, .launches = count};
}

// A graph of `count` passes over the inputs of one view. With `with_launches`, a launch follows each pass.
CudaExecutor::LaunchGraph CudaExecutor::record_scrambles(const Variant& variant, int count, bool change,
                                                         bool with_launches) {
  const auto queue = [this, &variant, count, change, with_launches] {
    int code = 0;
    for (int i = 0; i < count && code == 0; ++i) {
      buffers().inputs().scramble(1, change);
      if (with_launches) code = variant.launch(args(variant, InputView{}), stream());
    }
    return code;
  };
  return with_launches ? record_launches(variant, count, queue, false)
                       : capture_launches(variant, count, queue, false);
}

std::optional<Control> CudaExecutor::control(double us) {
  constexpr double kUsualMhz = 2000;
  const auto max_mhz = device().max_sm_clock_mhz;
  const auto cycles =
      static_cast<std::int64_t>(std::clamp(us, kMinControlUs, kMaxControlUs) * max_mhz.value_or(kUsualMhz));
  cuda_check(cudaStreamSynchronize(stream()), "waiting for the device");
  cuda_check(cudaEventRecord(begin_.get(), stream()), "recording an event");
  cuda_check(kernels::cuda_delay(cycles, stream()), "waiting");
  cuda_check(cudaEventRecord(end_.get(), stream()), "recording an event");
  return Control{.us = elapsed_us("a delay", 1),
                 .least_us = max_mhz ? static_cast<double>(cycles) / *max_mhz : 0};
}

Contrast CudaExecutor::contrast(const Variant& variant, int pairs) {
  const double one_us = std::max(launch_us(variant), 1.0);
  const int count = std::clamp(static_cast<int>(kContrastUs / one_us), 1, kMaxContrastLaunches);
  const LaunchGraph changed = record_scrambles(variant, count, true, true);
  const LaunchGraph unchanged = record_scrambles(variant, count, false, true);
  LaunchGraph& scrambles = scrambles_[count];
  if (scrambles.launches == 0) scrambles = record_scrambles(variant, count, true, false);
  constexpr double kNever = std::numeric_limits<double>::infinity();
  Contrast fastest{.unchanged_us = kNever, .changed_us = kNever};
  double scramble_us = kNever;
  int faster = 0;
  for (int i = 0; i < pairs; ++i) {
    const bool changed_first = i % 2 == 0;
    double unchanged_us = changed_first ? 0 : replay_us(variant, unchanged);
    scramble_us = std::min(scramble_us, replay_us(variant, scrambles));
    const double changed_us = replay_us(variant, changed);
    if (changed_first) unchanged_us = replay_us(variant, unchanged);
    fastest.changed_us = std::min(fastest.changed_us, changed_us);
    fastest.unchanged_us = std::min(fastest.unchanged_us, unchanged_us);
    faster += unchanged_us < changed_us ? 1 : 0;
  }
  return {.unchanged_us = fastest.unchanged_us - scramble_us,
          .changed_us = fastest.changed_us - scramble_us,
          .faster_share = static_cast<double>(faster) / pairs};
}

void CudaExecutor::measure_ceilings() {
  kernels::ProbeResult probe;
  try {
    cuda_check(kernels::run_probe(stream(), probe), "measuring the device's ceilings");
    launcher().info().ceilings = probe;
  } catch (const Error& error) {
    (void)cudaGetLastError();  // reported here; a later launch must not report it again
    launcher().info().ceilings_problem = error.what();
  }
}

std::string CudaExecutor::code_hash(const Variant& variant) const {
  if (std::string known = code_hash_of(variant, code_); !known.empty() || !is_prepared()) return known;
  const std::string text = variant.code_text(buffers().args({}));
  return text.empty() ? "" : hash_hex(text);
}

Resources CudaExecutor::resources(const Variant& variant) const {
  Resources resources;
  cuda_check(variant.resources(buffers().args({}), resources),
             fmt::format("reading the resources of {}", variant.id()));
  resources.occupancy = static_cast<double>(resources.blocks_per_sm) * resources.threads /
                        static_cast<double>(max_threads_per_sm_);
  const double slots = static_cast<double>(resources.blocks_per_sm) * device().limits.num_sms;
  resources.waves = slots > 0 ? static_cast<double>(resources.grid_blocks) / slots : 0;
  return resources;
}

}  // namespace flashcore
