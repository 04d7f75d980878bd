// Makes a plan (work_plan.hpp) on the device, and its constants on the host.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "kernels/blocks/work_plan.hpp"
#include "kernels/common/gpu.hpp"
#include "kernels/common/grid_launch.cuh"
#include "kernels/ptx/sm80.cuh"

namespace flashcore::kernels {

inline constexpr int kPlanThreads = 1024;
inline constexpr int kPlanWarps = kPlanThreads / kWarpSize;

// The threads of one block, as make_work_plan() wants them.
struct BlockTeam {
  std::int64_t* of_warps;  // [kPlanWarps], in shared memory

  __device__ static int index() { return static_cast<int>(threadIdx.x); }
  __device__ static int size() { return kPlanThreads; }
  __device__ static void sync() { __syncthreads(); }

  // The sum over threads with a lower index, and over all.
  __device__ std::int64_t exclusive_sum(std::int64_t own, std::int64_t& all) {
    const int lane = index() % kWarpSize;
    const int warp = index() / kWarpSize;
    std::int64_t sum = own;
#pragma unroll
    for (int distance = 1; distance < kWarpSize; distance *= 2) {
      const std::int64_t below = of_lane(sum, max(lane - distance, 0));
      if (lane >= distance) sum += below;
    }
    __syncthreads();  // protects of_warps: the threads have read what an earlier call wrote
    if (lane == kWarpSize - 1) of_warps[warp] = sum;
    __syncthreads();  // protects of_warps: all sums are written before any is read
    std::int64_t before = sum - own;
    all = 0;
#pragma unroll
    for (int i = 0; i < kPlanWarps; ++i) {
      const std::int64_t of_warp = of_warps[i];
      if (i < warp) before += of_warp;
      all += of_warp;
    }
    return before;
  }

  __device__ int minimum(int own) {
    const int lane = index() % kWarpSize;
    int lowest = own;
#pragma unroll
    for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
      lowest = min(lowest, __shfl_sync(kAllLanes, lowest, lane ^ distance));
    }
    __syncthreads();  // protects of_warps, as above
    if (lane == 0) of_warps[index() / kWarpSize] = lowest;
    __syncthreads();  // protects of_warps: all minima are written before any is read
#pragma unroll
    for (int i = 0; i < kPlanWarps; ++i) lowest = min(lowest, static_cast<int>(of_warps[i]));
    return lowest;
  }

 private:
  __device__ static std::int64_t of_lane(std::int64_t value, int lane) {
    const int low = __shfl_sync(kAllLanes, static_cast<int>(value), lane);
    const int high = __shfl_sync(kAllLanes, static_cast<int>(value >> 32), lane);
    return (static_cast<std::int64_t>(high) << 32) | static_cast<std::uint32_t>(low);
  }
};

// Arrays that only the plan's kernel reads are in shared memory if the maxima allow it.
struct PlanSmem {
  static constexpr int kItems = 4096;
  static constexpr int kSequences = 2048;
  static constexpr int kCostsAt = kPlanWarps * static_cast<int>(sizeof(std::int64_t));
  static constexpr int kFirstAt = kCostsAt + (kItems + 1) * static_cast<int>(sizeof(std::int64_t));
  static constexpr int kBytes = kFirstAt + (kSequences + 1) * static_cast<int>(sizeof(int));
  static_assert(kBytes <= 48 * 1024, "more must be asked for");
};

struct WorkPlanParams {
  WorkShape shape;
  WorkPlan plan;
};

__device__ inline void run_work_plan(const WorkPlanParams& params) {
  unsigned char* smem = ptx::dynamic_smem();
  WorkPlan plan = params.plan;
  if (params.shape.capacity <= PlanSmem::kItems) {
    plan.cost_before = reinterpret_cast<std::int64_t*>(smem + PlanSmem::kCostsAt);
  }
  if (params.shape.sequences.batch <= PlanSmem::kSequences) {
    plan.first_item = reinterpret_cast<int*>(smem + PlanSmem::kFirstAt);
  }
  BlockTeam team{reinterpret_cast<std::int64_t*>(smem)};
  make_work_plan(params.shape, plan, team);
}

// A template, so that several files may have it.
template <int kThreads>
__global__ void __launch_bounds__(kThreads) work_plan_kernel(const __grid_constant__ WorkPlanParams params) {
  run_work_plan(params);
}

// Queues the kernel that makes the plan. It waits for the grids before it, which may still read the memory of the plan.
inline cudaError_t launch_work_plan(const WorkShape& shape, void* memory, cudaStream_t stream) {
  if (memory == nullptr) return cudaErrorInvalidValue;
  GridLaunch launch(stream, kPlanThreads, PlanSmem::kBytes);
  launch.set_grid(1);
  return cudaLaunchKernelEx(&launch.config(), work_plan_kernel<kPlanThreads>,
                            WorkPlanParams{shape, WorkPlan(memory, shape)});
}

// --- What a plan is made from, on the host

// Estimates of the sustained rates of a kind of card. Only their ratio matters to a plan.
struct CardRates {
  int compute_capability;  // and later
  double bytes_per_ns;
  double flops_per_ns;  // of mma.sync with 16-bit operands
};
inline constexpr CardRates kCardRates[] = {
    {.compute_capability = 90, .bytes_per_ns = 4300, .flops_per_ns = 450e3},  // H200
    {.compute_capability = 89, .bytes_per_ns = 750, .flops_per_ns = 180e3},   // L40S
    {.compute_capability = 86, .bytes_per_ns = 750, .flops_per_ns = 70e3},    // GeForce RTX 3090
    {.compute_capability = 0, .bytes_per_ns = 1700, .flops_per_ns = 220e3},   // A100
};

class CurrentDevice {
 public:
  CurrentDevice() { (void)cudaGetDevice(&device_); }

  int multiprocessors() const { return std::max(1, attribute(cudaDevAttrMultiProcessorCount, 1)); }
  const CardRates& rates() const {
    const int capability = 10 * attribute(cudaDevAttrComputeCapabilityMajor, 9) +
                           attribute(cudaDevAttrComputeCapabilityMinor, 0);
    return *std::find_if(std::begin(kCardRates), std::end(kCardRates),
                         [&](const CardRates& rates) { return capability >= rates.compute_capability; });
  }
  // Blocks of that much shared memory that a multiprocessor holds at once.
  int blocks_per_multiprocessor(int smem_bytes, int most) const {
    constexpr int kReservedBytes = 1024;  // of each block
    const int all = attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, 0);
    return all == 0 ? most : std::clamp(all / (smem_bytes + kReservedBytes), 1, most);
  }

 private:
  int attribute(cudaDeviceAttr name, int otherwise) const {
    int value = 0;
    return cudaDeviceGetAttribute(&value, name, device_) == cudaSuccess ? value : otherwise;
  }
  int device_ = 0;
};

inline constexpr int kMostPlannedMultiprocessors = 192;  // a larger card leaves the others idle

// The persistent blocks of a kernel. Plan, workspace and launch ask for it, and must agree.
inline int planned_workers(int smem_bytes, int most_blocks) {
  const CurrentDevice device;
  return std::min(device.multiprocessors(), kMostPlannedMultiprocessors) *
         device.blocks_per_multiprocessor(smem_bytes, most_blocks);
}

// Bytes of a key block, and FLOPs of a key block with one group of rows.
inline WorkCosts work_costs(double bytes, double flops, int workers) {
  constexpr double kFixedBytes = 32 * 1024;  // read in the time that a task's start and end take
  constexpr double kL2Speed = 2;             // against device memory
  const CardRates& rates = CurrentDevice().rates();
  const double ns_per_byte = workers / rates.bytes_per_ns;
  const auto at_least_1 = [](double ns) { return std::max(1, static_cast<int>(ns)); };
  return {.read = at_least_1(bytes * ns_per_byte),
          .read_l2 = at_least_1(bytes * ns_per_byte / kL2Speed),
          .products = at_least_1(flops * workers / rates.flops_per_ns),
          .fixed = at_least_1(kFixedBytes * ns_per_byte)};
}

}  // namespace flashcore::kernels
