// hostile_plugin.c for CUDA devices: variants that harm their device, its context or its memory, and correct variants
// between them, which launch the variant that libflashcore chooses. block_kv identifies the variant; the step `hostile` of
// scripts/prove.py knows the numbers.
#include <cuda_runtime.h>
#include <flashcore.h>

#include <cstdint>

#undef NDEBUG  // the assertion is the attack
#include <cassert>

namespace {

enum Deed : std::int32_t {
  kGood = 1,
  kIllegalAddress,
  kEndless,
  kAssert,
  kReset,
  kLeakedStream,
  kAllMemory,
  kAllMemoryInSilence,
  kIllegalAddressLate,
  kResetLate,
  kLastGood
};

// Successful launches before a late deed: enough for the first check.
constexpr int kLaunchesBeforeLate = 2;

flashcore_plugin_variant variants[kLastGood];

int current_device() {
  int device = 0;
  return cudaGetDevice(&device) == cudaSuccess ? device : 0;
}

// Five minutes, so that the kernel ends even if nothing stops it.
__global__ void endless_kernel() {
  for (int slice = 0; slice < 300'000; ++slice) __nanosleep(1'000'000);
}

__global__ void write_kernel(int* address) { *address = 1; }

__global__ void assert_kernel(int zero) { assert(zero != 0); }

// Work that goes on in a stream of its own, which nobody destroys.
cudaError_t leak_stream() {
  cudaStream_t stream = nullptr;
  if (const cudaError_t error = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
      error != cudaSuccess) {
    return error;
  }
  endless_kernel<<<1, 1, 0, stream>>>();
  return cudaGetLastError();
}

// Nothing is left for others.
void take_all_memory() {
  for (std::size_t bytes = std::size_t{1} << 33; bytes >= 4096; bytes /= 2) {
    void* piece = nullptr;
    while (cudaMalloc(&piece, bytes) == cudaSuccess) continue;
  }
  (void)cudaGetLastError();
}

cudaError_t act(Deed deed, cudaStream_t stream) {
  switch (deed) {
    case kIllegalAddress:
    case kIllegalAddressLate:
      write_kernel<<<1, 1, 0, stream>>>(nullptr);
      break;
    case kEndless:
      endless_kernel<<<1, 1, 0, stream>>>();
      break;
    case kAssert:
      assert_kernel<<<1, 1, 0, stream>>>(0);
      break;
    case kReset:
    case kResetLate:
      return cudaDeviceReset();
    case kLeakedStream:
      return leak_stream();
    case kAllMemory:
      take_all_memory();
      return cudaErrorMemoryAllocation;
    case kAllMemoryInSilence:
      take_all_memory();
      break;
    default:
      break;
  }
  return cudaGetLastError();
}

int launch(std::size_t variant, const flashcore_attention* args, void* stream) {
  static int launches[kLastGood];
  if (flashcore_launch(nullptr, args, current_device(), stream) != FLASHCORE_OK) return cudaErrorUnknown;
  const auto deed = static_cast<Deed>(variants[variant].block_kv);
  const bool waits = deed == kIllegalAddressLate || deed == kResetLate;
  if (waits && ++launches[variant] <= kLaunchesBeforeLate) return cudaSuccess;
  return act(deed, static_cast<cudaStream_t>(stream));
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
  plugin.family = "hostile";
  plugin.summary = "harms its device";
  plugin.variants = variants;
  plugin.num_variants = kLastGood;
  plugin.unsupported = unsupported;
  plugin.workspace_bytes = workspace_bytes;
  plugin.launch = launch;
  return &plugin;
}
