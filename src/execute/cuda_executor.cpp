#include "execute/cuda_executor.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nvtx3/nvtx3.hpp>

#include "base/error.hpp"
#include "registry/supports.hpp"

namespace flashcore {
namespace {

// A sample is one graph of about this much work, so that its two events do not show in it.
constexpr double kSampleUs = 1000;
constexpr int kMostLaunches = 400;
// A graph that takes less of kSampleUs than this is made anew, with more launches.
constexpr double kShortSample = 0.9;

// Lines that some kernel marked as persisting would survive the rotation of input sets. A device without such
// lines has nothing to reset, which is no error of a sample.
void reset_persisting_l2() {
  if (cudaCtxResetPersistingL2Cache() != cudaSuccess) (void)cudaGetLastError();
}

// As cuda_device_info() describes a device that can be opened.
DeviceInfo open(int index) {
  const int count = cuda_device_count();
  if (index >= count) {
    throw EnvironmentError(fmt::format("--device cuda:{}: there {} {} CUDA device{}, numbered from 0", index,
                                       count == 1 ? "is" : "are", count, count == 1 ? "" : "s"));
  }
  cuda_check(cudaSetDevice(index), fmt::format("opening CUDA device {}", index));
  return cuda_device_info(index);
}

}  // namespace

CudaExecutor::CudaExecutor(int device_index)
    : device_(open(device_index)), code_(MachineCode::of_this_program(device_.limits.compute_capability)) {
  device_.code_problem = code_.problem();
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  cuda_check(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for free device memory");
  device_.free_memory_bytes = static_cast<std::int64_t>(free_bytes);
  max_threads_per_sm_ = cuda_attribute(cudaDevAttrMaxThreadsPerMultiProcessor, device_index);
  stream_ = make_stream();
  begin_ = make_event();
  end_ = make_event();
}

std::int64_t CudaExecutor::required_bytes(const Problem& problem) const {
  return CudaProblem::required_bytes(problem, device_.l2_bytes);
}

void CudaExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  graphs_.clear();
  problem_.reset();  // before the next problem takes its memory
  workspace_ = {};
  problem_ = std::make_unique<CudaProblem>(problem, seed, inputs, stream_.get());
}

std::string CudaExecutor::unsupported(const Variant& variant) const {
  return unsupported_reason(variant, problem_->problem(), problem_->args(0), place_of(device_));
}

AttentionArgs CudaExecutor::args(const Variant& variant, int set) {
  AttentionArgs args = problem_->args(set);
  const std::size_t bytes = variant.workspace_bytes(args);
  if (bytes > workspace_.size_bytes()) {
    graphs_.clear();  // they hold the old address
    workspace_ = DeviceBuffer(bytes);
  }
  args.workspace = workspace_.data();
  return args;
}

void CudaExecutor::launch(const Variant& variant, const AttentionArgs& args) {
  if (const int code = variant.launch(args, stream_.get()); code != 0) {
    cuda_check(code, fmt::format("launching {}", variant.id()));
  }
}

Check CudaExecutor::verify(const Variant& variant, const CheckPolicy& policy) {
  problem_->poison_outputs(stream_.get());
  launch(variant, args(variant, 0));
  cuda_check(cudaStreamSynchronize(stream_.get()), fmt::format("running {}", variant.id()));
  return problem_->check_outputs(policy, stream_.get());
}

Check CudaExecutor::verify_negated(const Variant& variant, const CheckPolicy& policy) {
  problem_->negate_values(stream_.get());
  launch(variant, args(variant, 0));
  cuda_check(cudaStreamSynchronize(stream_.get()), fmt::format("running {}", variant.id()));
  Check check = problem_->check_outputs(policy, stream_.get());
  problem_->negate_values(stream_.get());
  return check;
}

// Microseconds a launch between begin_ and end_, once both have been reached.
double CudaExecutor::elapsed_us(const Variant& variant, int launches) {
  cuda_check(cudaEventSynchronize(end_.get()), fmt::format("running {}", variant.id()));
  float milliseconds = 0;
  cuda_check(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()), "reading the events");
  return 1e3 * static_cast<double>(milliseconds) / launches;
}

double CudaExecutor::call_us(const Variant& variant) {
  const AttentionArgs call_args = args(variant, 0);
  cuda_check(cudaStreamSynchronize(stream_.get()), "waiting for the device");
  const nvtx3::scoped_range range(variant.id());
  cuda_check(cudaEventRecord(begin_.get(), stream_.get()), "recording an event");
  launch(variant, call_args);
  cuda_check(cudaEventRecord(end_.get(), stream_.get()), "recording an event");
  return elapsed_us(variant, 1);
}

double CudaExecutor::sample_poisoned(const Variant& variant) {
  problem_->poison_outputs(stream_.get());
  return call_us(variant);
}

double CudaExecutor::sample(const Variant& variant, TimingMode mode) {
  if (sampling_of(mode).lone_launch) return call_us(variant);
  const LaunchGraph& launches = graph(variant, mode);
  if (sampling_of(mode).rotates_inputs) reset_persisting_l2();
  return replay_us(variant, launches);
}

double CudaExecutor::replay_us(const Variant& variant, const LaunchGraph& launches) {
  const nvtx3::scoped_range range(variant.id());
  cuda_check(cudaGraphLaunch(launches.graph.get(), stream_.get()), "launching a graph");
  return elapsed_us(variant, launches.launches);
}

int CudaExecutor::launches_per_sample(const Variant& variant, TimingMode mode) {
  return sampling_of(mode).lone_launch ? 1 : graph(variant, mode).launches;
}

const CudaExecutor::LaunchGraph& CudaExecutor::graph(const Variant& variant, TimingMode mode) {
  const auto key = std::pair(&variant, mode);
  if (const auto found = graphs_.find(key); found != graphs_.end()) return found->second;
  return graphs_[key] = record_graph(variant, mode);
}

GraphHandle CudaExecutor::capture(const Variant& variant, int launches, int sets) {
  cuda_check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal), "capturing a graph");
  int code = 0;
  for (int i = 0; i < launches && code == 0; ++i) {
    code = variant.launch(args(variant, i % sets), stream_.get());
  }
  cudaGraph_t captured = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream_.get(), &captured);
  GraphHandle graph(captured);
  cuda_check(code, fmt::format("launching {} into a graph", variant.id()));
  cuda_check(ended, "capturing a graph");
  return graph;
}

// The first graph is made by the time of lone calls and says how long a launch among others takes; only by
// that do variants which are equally fast get equally many.
CudaExecutor::LaunchGraph CudaExecutor::record_graph(const Variant& variant, TimingMode mode) {
  const bool rotates = sampling_of(mode).rotates_inputs;
  const auto sets =
      static_cast<int>(rotates ? CudaProblem::input_sets(problem_->problem(), device_.l2_bytes) : 1);
  problem_->make_input_sets(sets, stream_.get());
  const auto enough = [sets](double one_us) {
    const double launches = std::ceil(kSampleUs / std::max(one_us, 0.1));
    const int most =
        std::clamp(static_cast<int>(std::min<double>(launches, kMostLaunches)), 2, kMostLaunches);
    return (most + sets - 1) / sets * sets;  // a replay goes on where the one before ended
  };
  LaunchGraph graph = record_launches(variant, enough(std::min(call_us(variant), call_us(variant))), sets);
  const double first_us = replay_us(variant, graph);
  if (graph.launches * first_us > kShortSample * kSampleUs) return graph;
  return record_launches(variant, enough(std::min(first_us, replay_us(variant, graph))), sets);
}

CudaExecutor::LaunchGraph CudaExecutor::record_launches(const Variant& variant, int count, int sets) {
  const GraphHandle launches = capture(variant, count, sets);
  cudaGraph_t created = nullptr;
  cuda_check(cudaGraphCreate(&created, 0), "creating a graph");
  const GraphHandle timed(created);
  cudaGraphNode_t begin = nullptr;
  cudaGraphNode_t work = nullptr;
  cudaGraphNode_t end = nullptr;
  cuda_check(cudaGraphAddEventRecordNode(&begin, timed.get(), nullptr, 0, begin_.get()), "adding an event");
  cuda_check(cudaGraphAddChildGraphNode(&work, timed.get(), &begin, 1, launches.get()), "adding launches");
  cuda_check(cudaGraphAddEventRecordNode(&end, timed.get(), &work, 1, end_.get()), "adding an event");
  cudaGraphExec_t executable = nullptr;
  cuda_check(cudaGraphInstantiate(&executable, timed.get(), 0), "instantiating a graph");
  return {.graph = GraphExecHandle(executable), .launches = count};
}

void CudaExecutor::measure_ceilings() {
  kernels::ProbeResult probe;
  try {
    cuda_check(kernels::run_probe(stream_.get(), probe), "measuring the device's ceilings");
    device_.ceilings = probe;
  } catch (const Error& error) {
    (void)cudaGetLastError();  // said here; a later launch must not report it again
    device_.ceilings_problem = error.what();
  }
}

std::string CudaExecutor::code_hash(const Variant& variant) const {
  const char* name = variant.kernel_name();
  return name == nullptr ? "" : code_.hash(name);
}

Resources CudaExecutor::resources(const Variant& variant) const {
  Resources resources;
  cuda_check(variant.resources(problem_->args(0), resources),
             fmt::format("reading the resources of {}", variant.id()));
  resources.occupancy = static_cast<double>(resources.blocks_per_sm) * resources.threads /
                        static_cast<double>(max_threads_per_sm_);
  const double slots = static_cast<double>(resources.blocks_per_sm) * device_.limits.num_sms;
  resources.waves = slots > 0 ? static_cast<double>(resources.grid_blocks) / slots : 0;
  return resources;
}

}  // namespace flashcore
