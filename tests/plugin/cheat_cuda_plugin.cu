// The cheats of cheats.hpp on a CUDA device, with a plain attention kernel: a block per row of Q.
#include <cuda.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <map>

#include "plugin/cheats.hpp"

namespace cheats {
namespace {

constexpr Cheat kCheats[] = {kHonest,
                             kReplaysByPointer,
                             kReplaysByFingerprint,
                             kReplaysByContents,
                             kReplaysPlusMinusV,
                             kSkipsWhenWritten,
                             kHalvesWhenWritten,
                             kWritesOnlyPoison,
                             kDefersToNextLaunch,
                             kWorksBeside,
                             kLaunchesNothingCaptured,
                             kWrongLater,
                             kPatchesClock,
                             kPersistsL2};
constexpr int kThreads = kHeadDim;
constexpr int kSlots = 8;

using Half = std::uint16_t;

// An output that is kept for a key, in device memory; rows are written by the launch that sets the key.
struct Slot {
  unsigned long long key;
  Half sign;
};

struct Params {
  flashcore_attention args;
  Cheat cheat;
  Slot* slots;               // [kSlots]
  Half* kept;                // [kSlots, rows, kHeadDim]
  unsigned long long* hash;  // of this launch's inputs
  int* launches;
};

__device__ float value(Half bits) { return __half2float(__ushort_as_half(bits)); }

__device__ void attend_row(const flashcore_attention& args, int row, int head, int batch, Half* out,
                           bool only_poison) {
  extern __shared__ float scores[];
  __shared__ float shared_sum;
  const int head_kv = head / (args.heads_q / args.heads_kv);
  const auto at = [&](const void* tensor, const flashcore_strides& stride, int which) {
    return static_cast<const Half*>(tensor) + batch * stride.batch + which * stride.head;
  };
  const Half* q = at(args.q, args.q_stride, head) + row * args.q_stride.row;
  const Half* k = at(args.k, args.k_stride, head_kv);
  const Half* v = at(args.v, args.v_stride, head_kv);
  for (int j = threadIdx.x; j < args.seq_kv; j += kThreads) {
    float dot = 0;
    for (int d = 0; d < kHeadDim; ++d) dot += value(q[d]) * value(k[j * args.k_stride.row + d]);
    scores[j] = args.scale * dot;
  }
  __syncthreads();  // protects scores: all are written before one thread reads them
  if (threadIdx.x == 0) {
    float largest = -INFINITY, sum = 0;
    for (int j = 0; j < args.seq_kv; ++j) largest = fmaxf(largest, scores[j]);
    for (int j = 0; j < args.seq_kv; ++j) sum += scores[j] = __expf(scores[j] - largest);
    shared_sum = sum;
  }
  __syncthreads();  // protects scores and shared_sum: they are complete
  float sum = 0;
  for (int j = 0; j < args.seq_kv; ++j) sum += scores[j] * value(v[j * args.v_stride.row + threadIdx.x]);
  if (!only_poison || out[threadIdx.x] == kPoison)
    out[threadIdx.x] = __half_as_ushort(__float2half(sum / shared_sum));
}

__device__ bool replays(Cheat cheat) {
  return cheat == kReplaysByFingerprint || cheat == kReplaysByContents || cheat == kReplaysPlusMinusV;
}

// grid: (seq_q, heads_q, batch)
__global__ void __launch_bounds__(kThreads) cheat_kernel(const __grid_constant__ Params params) {
  const flashcore_attention& args = params.args;
  const int row = blockIdx.x, head = blockIdx.y, batch = blockIdx.z;
  Half* out = static_cast<Half*>(args.out) + batch * args.out_stride.batch + head * args.out_stride.head +
              row * args.out_stride.row;
  const bool written =
      __syncthreads_and(out[threadIdx.x] != kPoison);  // protects out: read before it is written
  if (params.cheat == kSkipsWhenWritten && written) return;
  if (params.cheat == kHalvesWhenWritten && written && row >= args.seq_q / 2) return;
  const std::size_t place = (static_cast<std::size_t>(batch) * args.heads_q + head) * args.seq_q + row;
  const std::size_t all_rows = static_cast<std::size_t>(args.batch) * args.heads_q * args.seq_q;
  if (!replays(params.cheat)) {
    if (params.cheat == kWritesOnlyPoison && __syncthreads_and(out[threadIdx.x] != kPoison)) return;
    attend_row(args, row, head, batch, out, params.cheat == kWritesOnlyPoison);
    if (params.cheat == kWrongLater && place == 0 && *params.launches > kRightLaunches)
      out[threadIdx.x] = 0x4400;
    return;
  }
  const unsigned long long key = *params.hash;
  Slot& slot = params.slots[key % kSlots];
  Half* kept = params.kept + ((key % kSlots) * all_rows + place) * kHeadDim;
  if (slot.key != key) {
    attend_row(args, row, head, batch, out, false);
    kept[threadIdx.x] = out[threadIdx.x];
    return;
  }
  const Half sign = static_cast<const Half*>(args.v)[0] & 0x8000;
  const Half flip = params.cheat == kReplaysPlusMinusV ? slot.sign ^ sign : 0;
  out[threadIdx.x] = kept[threadIdx.x] ^ flip;
}

__device__ unsigned long long mix(unsigned long long key, unsigned long long word) {
  key = (key ^ word) * 0x9E3779B97F4A7C15ull;
  return key ^ key >> 29;
}

__device__ unsigned long long hash_tensor(const void* tensor, std::size_t count, Half mask,
                                          unsigned long long seed) {
  const auto* elements = static_cast<const Half*>(tensor);
  unsigned long long sum = 0;
  for (std::size_t i = threadIdx.x; i < count; i += blockDim.x) sum += mix(mix(seed, i), elements[i] & mask);
  return sum;
}

// One block. Works the key out before cheat_kernel.
__global__ void key_kernel(const __grid_constant__ Params params) {
  const flashcore_attention& args = params.args;
  __shared__ unsigned long long sum;
  if (threadIdx.x == 0) sum = 1;
  __syncthreads();  // protects sum: it is set before anything is added
  const bool whole = params.cheat == kReplaysByContents;
  const std::size_t q =
      whole ? static_cast<std::size_t>(args.batch) * args.heads_q * args.seq_q * kHeadDim : 4;
  const std::size_t kv =
      whole ? static_cast<std::size_t>(args.batch) * args.heads_kv * args.seq_kv * kHeadDim : 4;
  const Half v_mask = params.cheat == kReplaysPlusMinusV ? 0x7FFF : 0xFFFF;
  atomicAdd(&sum, hash_tensor(args.q, q, 0xFFFF, 1) + hash_tensor(args.k, kv, 0xFFFF, 2) +
                      hash_tensor(args.v, kv, v_mask, 3));
  __syncthreads();  // protects sum: all threads have added
  if (threadIdx.x == 0) *params.hash = sum;
}

// One thread. Remembers the key after cheat_kernel.
__global__ void keep_kernel(const __grid_constant__ Params params) {
  params.slots[*params.hash % kSlots] = {
      *params.hash, static_cast<Half>(static_cast<const Half*>(params.args.v)[0] & 0x8000)};
}

__global__ void count_kernel(int* launches) { ++*launches; }

// Memory for one size of problem; another size starts anew.
struct State {
  std::size_t rows = 0;
  Params params{};
  std::map<const void*, Half*> kept;  // by the address of Q and the place of K
  cudaStream_t beside = nullptr;

  cudaError_t prepare(const flashcore_attention& args) {
    if (rows == cheats::rows(args)) return cudaSuccess;
    rows = cheats::rows(args);
    kept.clear();
    const std::size_t output_bytes = rows * kHeadDim * sizeof(Half);
    cudaError_t error = cudaMalloc(&params.slots, kSlots * sizeof(Slot));
    if (error == cudaSuccess) error = cudaMemset(params.slots, 0, kSlots * sizeof(Slot));
    if (error == cudaSuccess) error = cudaMalloc(&params.kept, kSlots * output_bytes);
    if (error == cudaSuccess) error = cudaMalloc(&params.hash, sizeof(*params.hash));
    if (error == cudaSuccess) error = cudaMalloc(&params.launches, sizeof(int));
    if (error == cudaSuccess) error = cudaMemset(params.launches, 0, sizeof(int));
    if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&beside, cudaStreamNonBlocking);
    return error;
  }
};

bool is_captured(cudaStream_t stream) {
  cudaStreamCaptureStatus status{};
  return cudaStreamIsCapturing(stream, &status) == cudaSuccess && status != cudaStreamCaptureStatusNone;
}

cudaError_t attend(const Params& params, cudaStream_t stream) {
  const flashcore_attention& args = params.args;
  const dim3 grid(args.seq_q, args.heads_q, args.batch);
  cheat_kernel<<<grid, kThreads, args.seq_kv * sizeof(float), stream>>>(params);
  return cudaGetLastError();
}

cudaError_t replay_by_pointer(State& state, cudaStream_t stream) {
  const flashcore_attention& args = state.params.args;
  const std::size_t bytes = state.rows * kHeadDim * sizeof(Half);
  const void* key = static_cast<const char*>(args.q) + (args.k < args.v ? 0 : 1);
  if (const auto found = state.kept.find(key); found != state.kept.end())
    return cudaMemcpyAsync(args.out, found->second, bytes, cudaMemcpyDeviceToDevice, stream);
  const cudaError_t error = attend(state.params, stream);
  if (error != cudaSuccess || is_captured(stream)) return error;
  Half* copy = nullptr;
  if (cudaMalloc(&copy, bytes) != cudaSuccess) return cudaErrorMemoryAllocation;
  state.kept[key] = copy;
  return cudaMemcpyAsync(copy, args.out, bytes, cudaMemcpyDeviceToDevice, stream);
}

cudaError_t replay(State& state, cudaStream_t stream) {
  constexpr int kMaxThreads = 1024;
  key_kernel<<<1, kMaxThreads, 0, stream>>>(state.params);
  if (const cudaError_t error = attend(state.params, stream); error != cudaSuccess) return error;
  keep_kernel<<<1, 1, 0, stream>>>(state.params);
  return cudaGetLastError();
}

cudaError_t defer(State& state, cudaStream_t stream) {
  static std::map<int, flashcore_attention> before;
  const flashcore_attention now = state.params.args;
  const auto [last, is_new] = before.try_emplace(now.seq_q, now);
  state.params.args = last->second;
  last->second = now;
  return attend(state.params, stream);
}

cudaError_t work_beside(State& state, cudaStream_t stream) {
  count_kernel<<<1, 1, 0, stream>>>(state.params.launches);  // so that a captured graph has a kernel
  return attend(state.params, state.beside);
}

// 0.05 ms, whatever was done.
CUresult short_elapsed_time(float* milliseconds, CUevent, CUevent) {
  *milliseconds = 0.05f;
  return CUDA_SUCCESS;
}

bool patch_clock() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  bool patched = false;
  for (const unsigned version : {12080u, 13000u}) {
    if (cudaGetDriverEntryPointByVersion("cuEventElapsedTime", &function, version, cudaEnableDefault,
                                         &found) != cudaSuccess)
      continue;
    patched |= redirect(function, reinterpret_cast<void*>(&short_elapsed_time));
  }
  return patched;
}

cudaError_t persist(State& state, cudaStream_t stream) {
  const flashcore_attention& args = state.params.args;
  static const cudaError_t limited =
      cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, std::size_t{30} << 20);
  cudaStreamAttrValue window{};
  window.accessPolicyWindow.base_ptr = const_cast<void*>(args.k);
  window.accessPolicyWindow.num_bytes =
      static_cast<std::size_t>(args.batch) * args.heads_kv * args.seq_kv * kHeadDim * sizeof(Half);
  window.accessPolicyWindow.hitRatio = 1;
  window.accessPolicyWindow.hitProp = cudaAccessPropertyPersisting;
  window.accessPolicyWindow.missProp = cudaAccessPropertyStreaming;
  cudaError_t error = limited;
  if (error == cudaSuccess)
    error = cudaStreamSetAttribute(stream, cudaStreamAttributeAccessPolicyWindow, &window);
  return error == cudaSuccess ? attend(state.params, stream) : error;
}

cudaError_t launch_cheat(Cheat cheat, State& state, cudaStream_t stream) {
  static const bool patched = cheat == kPatchesClock && patch_clock();
  switch (cheat) {
    case kReplaysByPointer:
      return replay_by_pointer(state, stream);
    case kReplaysByFingerprint:
    case kReplaysByContents:
    case kReplaysPlusMinusV:
      return replay(state, stream);
    case kDefersToNextLaunch:
      return defer(state, stream);
    case kWorksBeside:
      return work_beside(state, stream);
    case kLaunchesNothingCaptured:
      return is_captured(stream) ? cudaSuccess : attend(state.params, stream);
    case kWrongLater:
      count_kernel<<<1, 1, 0, stream>>>(state.params.launches);
      break;
    case kPatchesClock:
      if (!patched) return cudaErrorNotSupported;
      break;
    case kPersistsL2:
      return persist(state, stream);
    default:
      break;
  }
  return attend(state.params, stream);
}

int launch(std::size_t variant, const flashcore_attention* args, void* stream) {
  static State states[std::size(kCheats)];
  State& state = states[variant];
  if (const cudaError_t error = state.prepare(*args); error != cudaSuccess) return error;
  state.params.args = *args;
  state.params.cheat = kCheats[variant];
  return launch_cheat(kCheats[variant], state, static_cast<cudaStream_t>(stream));
}

}  // namespace
}  // namespace cheats

extern "C" FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  return cheats::make_plugin(cheats::kCheats, FLASHCORE_CUDA, cheats::launch);
}
