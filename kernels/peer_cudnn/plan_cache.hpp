// Plans by problem, built at first use and kept; a problem that no engine takes keeps the reason.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <bit>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "kernels/peer_cudnn/plan.hpp"

namespace flashcore::kernels::cudnn {

// Everything that a plan depends on: sizes, strides, dtype, mask, scale, softcap, log-sum-exp or not, device.
using PlanKey = std::array<std::int64_t, 25>;

inline PlanKey plan_key(const KernelArgs& args, Dtype dtype, int device) {
  PlanKey key = {};
  auto next = key.begin();
  for (std::int64_t value :
       {device, static_cast<int>(dtype), args.batch, args.heads_q, args.heads_kv, args.seq_q, args.seq_kv,
        args.head_dim, args.window.left, args.window.right, args.lse != nullptr ? 1 : 0,
        std::bit_cast<int>(args.scale), std::bit_cast<int>(args.softcap)}) {
    *next++ = value;
  }
  for (const Strides& stride : {args.q_stride, args.k_stride, args.v_stride, args.out_stride}) {
    for (std::int64_t distance : {stride.batch, stride.head, stride.row}) *next++ = distance;
  }
  return key;
}

// "compute capability 9.0, ": engines choose their machine code by it. Of the current device.
inline std::string device_text() {
  int device = 0;
  int major = 0;
  int minor = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
  return "compute capability " + std::to_string(major) + "." + std::to_string(minor) + ", ";
}

struct CachedPlan {
  std::unique_ptr<Plan> plan;  // null when there is none
  std::string reason;          // why there is none
};

class PlanCache {
 public:
  // Never null, stays valid for the life of the program. On the current device.
  CachedPlan& get(const KernelArgs& args, Dtype dtype) {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = plans_.try_emplace(plan_key(args, dtype, current_device()));
    if (is_new) build(entry->second, args, dtype);
    return entry->second;
  }

  // Null before get().
  CachedPlan* find(const KernelArgs& args, Dtype dtype) {
    const std::lock_guard lock(mutex_);
    const auto entry = plans_.find(plan_key(args, dtype, current_device()));
    return entry == plans_.end() ? nullptr : &entry->second;
  }

  // Throws CudnnError. cuDNN must have been loaded.
  void execute(Plan& plan, const KernelArgs& args, cudaStream_t stream) {
    const std::lock_guard lock(mutex_);  // a handle belongs to one thread at a time
    const Api& api = library().api;
    cudnnHandle_t handle = handle_of_device();
    check(api, api.set_stream(handle, stream), "stream");
    plan.execute(handle, args);
  }

 private:
  static int current_device() {
    int device = 0;
    cudaGetDevice(&device);
    return device;
  }

  void build(CachedPlan& entry, const KernelArgs& args, Dtype dtype) {
    if (!library().problem.empty()) {
      entry.reason = library().problem;
      return;
    }
    try {
      entry.plan = std::make_unique<Plan>(library().api, handle_of_device(), args, dtype);
    } catch (const CudnnError& error) {
      entry.reason = error.what();
    }
  }

  cudnnHandle_t handle_of_device() {
    cudnnHandle_t& handle = handles_[current_device()];
    if (handle == nullptr) check(library().api, library().api.create(&handle), "handle");
    return handle;
  }

  std::mutex mutex_;
  std::map<PlanKey, CachedPlan> plans_;
  std::map<int, cudnnHandle_t> handles_;
};

// Never destroyed: cuDNN may be unloaded before static objects are destroyed.
inline PlanCache& plan_cache() {
  static PlanCache& cache = *new PlanCache;
  return cache;
}

}  // namespace flashcore::kernels::cudnn
