// drill_plugin.c for CUDA devices: variants that fail in one way each, and correct variants between them,
// which launch the variant that libflashcore chooses. block_kv identifies the variant.
#include <cuda_runtime.h>
#include <flashcore.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

enum Fault : std::int32_t {
  kGood = 1,
  kAborts,
  kFollowsNull,
  kLoops,
  kWritesNowhere,
  kWritesZeros,
  kWritesNan,
  kHoards,
  kTraps,
  kAbortsLate,
  kLoopsLate,
  kLastGood
};

// Successful launches before a late fault: enough for the first check.
constexpr int kLaunchesBeforeLate = 2;

flashcore_plugin_variant variants[kLastGood];

// The workspace and the launches of a plug-in belong to the current device.
int current_device() {
  int device = 0;
  return cudaGetDevice(&device) == cudaSuccess ? device : 0;
}

// Five minutes, so that the kernel ends even if nothing stops it.
__global__ void loop_kernel() {
  for (int slice = 0; slice < 300'000; ++slice) __nanosleep(1'000'000);
}

__global__ void write_kernel(int* address) { *address = 1; }

__global__ void trap_kernel() { __trap(); }

// More than the free memory.
cudaError_t hoard() {
  for (std::size_t bytes = std::size_t{1} << 33; bytes > 0; bytes /= 2) {
    void* piece = nullptr;
    while (cudaMalloc(&piece, bytes) == cudaSuccess) continue;
  }
  return cudaErrorMemoryAllocation;
}

// Assumes that the rows of the output are contiguous, as in the only supported problem.
cudaError_t overwrite(const flashcore_attention& args, int byte, cudaStream_t stream) {
  const std::size_t elements =
      static_cast<std::size_t>(args.batch) * args.heads_q * args.seq_q * args.head_dim;
  return cudaMemsetAsync(args.out, byte, elements * sizeof(std::uint16_t), stream);
}

int launch(std::size_t variant, const flashcore_attention* args, void* stream) {
  static int launches[kLastGood];
  const auto cuda_stream = static_cast<cudaStream_t>(stream);
  const std::int32_t fault = variants[variant].block_kv;
  const bool is_late = ++launches[variant] > kLaunchesBeforeLate;
  if (fault == kAborts || (fault == kAbortsLate && is_late)) {
    (void)std::fprintf(stderr, "the drill aborts\n");
    std::abort();
  }
  int* volatile nowhere = nullptr;
  if (fault == kFollowsNull) *nowhere = 1;
  if (fault == kHoards) return hoard();
  if (const flashcore_status status = flashcore_launch(nullptr, args, current_device(), stream);
      status != FLASHCORE_OK) {
    return cudaErrorUnknown;
  }
  if (fault == kLoops || (fault == kLoopsLate && is_late)) loop_kernel<<<1, 1, 0, cuda_stream>>>();
  if (fault == kWritesNowhere) write_kernel<<<1, 1, 0, cuda_stream>>>(nullptr);
  if (fault == kTraps) trap_kernel<<<1, 1, 0, cuda_stream>>>();
  if (fault == kWritesZeros) return overwrite(*args, 0, cuda_stream);
  if (fault == kWritesNan) return overwrite(*args, 0xff, cuda_stream);
  return cudaGetLastError();
}

const char* unsupported(std::size_t, const flashcore_attention* args, const flashcore_device_limits*) {
  return flashcore_unsupported(nullptr, args, current_device());
}

std::size_t workspace_bytes(std::size_t, const flashcore_attention* args) {
  std::size_t bytes = 0;
  return flashcore_workspace_bytes(nullptr, args, current_device(), &bytes) == FLASHCORE_OK ? bytes : 0;
}

flashcore_plugin plugin;

}  // namespace

// The first and the last variant are correct. The last one runs in a worker that replaced earlier ones.
extern "C" FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  for (std::int32_t i = 0; i < kLastGood; ++i) {
    variants[i].dtype = FLASHCORE_FP16;
    variants[i].head_dim = 64;
    variants[i].block_kv = i + 1;
  }
  plugin.abi_version = FLASHCORE_PLUGIN_ABI_VERSION;
  plugin.backend = FLASHCORE_CUDA;
  plugin.family = "drill";
  plugin.summary = "fails in every way";
  plugin.variants = variants;
  plugin.num_variants = kLastGood;
  plugin.unsupported = unsupported;
  plugin.workspace_bytes = workspace_bytes;
  plugin.launch = launch;
  return &plugin;
}
