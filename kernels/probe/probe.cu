#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/common/indexing.hpp"
#include "kernels/probe/kernels.cuh"
#include "kernels/probe/probe.hpp"

namespace flashcore::kernels {
namespace {

constexpr int kWakingLaunches = 40;  // of about a millisecond each: an idle device raises its clock slowly
constexpr int kWarmUpLaunches = 3;
constexpr int kLaunches = 7;

struct DeviceMemory {
  void* data = nullptr;
  ~DeviceMemory() { cudaFree(data); }
};

struct Event {
  cudaEvent_t event = nullptr;
  ~Event() {
    if (event != nullptr) cudaEventDestroy(event);
  }
};

class Probe {
 public:
  explicit Probe(cudaStream_t stream) : stream_(stream) {}

  cudaError_t prepare() {
    cudaError_t error = cudaGetDevice(&device_);
    const auto attribute = [&](cudaDeviceAttr which, int& value) {
      if (error == cudaSuccess) error = cudaDeviceGetAttribute(&value, which, device_);
    };
    attribute(cudaDevAttrMultiProcessorCount, num_sms_);
    attribute(cudaDevAttrComputeCapabilityMajor, major_);
    attribute(cudaDevAttrComputeCapabilityMinor, minor_);
    if (error == cudaSuccess) error = cudaMalloc(&in_.data, kCopyBytes);
    if (error == cudaSuccess) error = cudaMalloc(&out_.data, kCopyBytes);
    if (error == cudaSuccess) error = cudaMemsetAsync(in_.data, 0x3c, kCopyBytes, stream_);
    if (error == cudaSuccess) error = cudaEventCreate(&begin_.event);
    if (error == cudaSuccess) error = cudaEventCreate(&end_.event);
    return error;
  }

  // Copies a buffer far larger than any L2.
  cudaError_t copy(double& bytes_per_s) {
    constexpr std::int64_t kVectors = kCopyBytes / sizeof(uint4);
    const auto blocks = static_cast<unsigned>(ceil_div(kVectors, kProbeThreads * 4));
    return rate(2.0 * kCopyBytes, bytes_per_s, [&] {
      probe_copy<<<blocks, kProbeThreads, 0, stream_>>>(static_cast<uint4*>(out_.data),
                                                        static_cast<const uint4*>(in_.data), kVectors);
    });
  }

  void wake() {
    for (int i = 0; i < kWakingLaunches; ++i) launch_mma();
  }

  cudaError_t mma(double& flops_per_s) {
    constexpr double kFlops = 2.0 * 16 * 8 * 16;
    const double work = kFlops * kMmaSteps * kProbeChains * (kProbeThreads / 32) * mma_blocks();
    return rate(work, flops_per_s, [&] { launch_mma(); });
  }

  cudaError_t exp2(double& per_s) {
    constexpr int kSteps = 2048;
    const int blocks = num_sms_ * 8;
    return rate(double{kSteps} * kProbeChains * kProbeThreads * blocks, per_s,
                [&] { probe_exp2<<<blocks, kProbeThreads, 0, stream_>>>(sink(), kSteps, kNever); });
  }

  // Leaves the result empty where there is no wgmma.
  cudaError_t wgmma(std::optional<double>& flops_per_s) {
    if (major_ != 9 || minor_ != 0) return cudaSuccess;
    constexpr int kSteps = 2048;
    constexpr double kFlops = 2.0 * 64 * kWgmmaColumns * 16;
    const double work = kFlops * kSteps * kWgmmasPerStep * (kProbeThreads / 128) * num_sms_;
    return rate(work, flops_per_s.emplace(), [&] {
      probe_wgmma<<<num_sms_, kProbeThreads, kProbeSmemBytes, stream_>>>(sink(), kSteps, kNever);
    });
  }

 private:
  static constexpr std::int64_t kCopyBytes = std::int64_t{256} << 20;
  static constexpr float kNever = std::numeric_limits<float>::quiet_NaN();

  static constexpr int kMmaSteps = 4096;

  int mma_blocks() const { return num_sms_ * 4; }
  void launch_mma() { probe_mma<<<mma_blocks(), kProbeThreads, 0, stream_>>>(sink(), kMmaSteps, kNever); }
  float* sink() { return static_cast<float*>(out_.data); }

  // work / seconds at the median of kLaunches launches.
  template <class Launch>
  cudaError_t rate(double work, double& per_s, Launch launch) {
    std::array<float, kLaunches> milliseconds{};
    for (int i = -kWarmUpLaunches; i < kLaunches; ++i) {
      cudaEventRecord(begin_.event, stream_);
      launch();
      cudaEventRecord(end_.event, stream_);
      if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess) return error;
      if (i < 0) continue;
      if (const cudaError_t error = cudaEventSynchronize(end_.event); error != cudaSuccess) return error;
      cudaEventElapsedTime(&milliseconds[i], begin_.event, end_.event);
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    per_s = work / (milliseconds[kLaunches / 2] * 1e-3);
    return cudaSuccess;
  }

  cudaStream_t stream_;
  int device_ = 0;
  int num_sms_ = 0;
  int major_ = 0;
  int minor_ = 0;
  DeviceMemory in_;
  DeviceMemory out_;
  Event begin_;
  Event end_;
};

}  // namespace

int run_probe(void* stream, ProbeResult& result) {
  result = {};
  Probe probe(static_cast<cudaStream_t>(stream));
  cudaError_t error = probe.prepare();
  if (error == cudaSuccess) probe.wake();
  if (error == cudaSuccess) error = probe.mma(result.mma_flops_per_s);
  if (error == cudaSuccess) error = probe.wgmma(result.wgmma_flops_per_s);
  if (error == cudaSuccess) error = probe.exp2(result.exp2_per_s);
  if (error == cudaSuccess) error = probe.copy(result.copy_bytes_per_s);
  return error;
}

}  // namespace flashcore::kernels
