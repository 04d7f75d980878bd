// Launches of grids, also before the previous grid in the stream has ended.
//
// Programmatic dependent launch (CUDA Programming Guide, "Programmatic Dependent Launch and
// Synchronization"): a grid may start when every block of the previous one has called
// ptx::launch_dependent_grid() or has ended. Until it calls ptx::wait_for_previous_grid() it overlaps with
// the previous grid's tail, and so must not touch memory that another grid writes. For a short kernel this
// hides the launch, the initialisation of barriers and address arithmetic. A kernel waits first and then
// launches the next grid: otherwise grid after grid would occupy multiprocessors only to wait there.
#pragma once

#include <cuda_runtime.h>

namespace flashcore::kernels {

class GridLaunch {
 public:
  GridLaunch(cudaStream_t stream, int threads, int dynamic_smem_bytes) {
    config_.stream = stream;
    config_.blockDim = static_cast<unsigned>(threads);
    config_.dynamicSmemBytes = static_cast<std::size_t>(dynamic_smem_bytes);
    config_.attrs = attributes_;
  }
  GridLaunch(const GridLaunch&) = delete;  // config_ points into this object
  GridLaunch& operator=(const GridLaunch&) = delete;

  void set_grid(dim3 blocks) { config_.gridDim = blocks; }

  void set_cluster(int blocks) {
    cudaLaunchAttribute& attribute = attributes_[config_.numAttrs++];
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {static_cast<unsigned>(blocks), 1, 1};
  }

  // For kernels that call ptx::wait_for_previous_grid(). No effect before compute capability 9.0.
  void allow_early_start() {
    int device = 0;
    int major = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    if (major < 9) return;
    cudaLaunchAttribute& attribute = attributes_[config_.numAttrs++];
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
  }

  const cudaLaunchConfig_t& config() const { return config_; }

 private:
  cudaLaunchConfig_t config_{};
  cudaLaunchAttribute attributes_[2]{};
};

}  // namespace flashcore::kernels
