// peer_cudnn: cuDNN's fused attention, forward, in this process, with the same inputs, checks and timing.
//
// The attention graph of sdpa.hpp goes to cuDNN, whose heuristics choose the engine. A plan is built once per
// problem, in unsupported() or at the first launch, and kept (plan_cache.hpp). cuDNN chooses its tiles
// itself, hence one variant per dtype and head_dim.
//
// Limits: cuDNN is loaded at run time (library.hpp), and only its headers are needed to build. Where either
// is missing, the variants exist and give the reason why they cannot run.
#include <span>
#include <string>

#include "kernels/blocks/block_position.cuh"
#include "variant/compiled_kernel.hpp"

#if __has_include(<cudnn.h>)
#include <cudnn.h>
#if CUDNN_MAJOR >= 9
#define FLASHCORE_HAVE_CUDNN_HEADERS 1
#endif
#endif

#ifdef FLASHCORE_HAVE_CUDNN_HEADERS
#include "kernels/peer_cudnn/plan_cache.hpp"
#endif

namespace flashcore::kernels {
namespace {

#ifdef FLASHCORE_HAVE_CUDNN_HEADERS

// The reason why cuDNN has no plan for these arguments, or null when it has one. Building a plan takes up to
// seconds; for sizes without tensors (a listing) it is enough that cuDNN can be loaded.
const char* no_plan(const KernelArgs& args, Dtype dtype) {
  if (args.q == nullptr) {
    const std::string& problem = cudnn::library().problem;
    return problem.empty() ? nullptr : problem.c_str();
  }
  const cudnn::CachedPlan& cached = cudnn::plan_cache().get(args, dtype);
  return cached.plan != nullptr ? nullptr : cached.reason.c_str();
}

std::size_t plan_workspace_bytes(const KernelArgs& args, Dtype dtype) {
  const cudnn::CachedPlan& cached = cudnn::plan_cache().get(args, dtype);
  return cached.plan != nullptr ? cached.plan->workspace_bytes() : 0;
}

std::string plan_text(const KernelArgs& args, Dtype dtype) {
  const cudnn::CachedPlan& cached = cudnn::plan_cache().get(args, dtype);
  try {
    return cached.plan != nullptr ? cudnn::device_text() + cached.plan->code_text() : "";
  } catch (const cudnn::CudnnError&) {
    return "";  // a version that does not tell
  }
}

// No plan is built while the stream is being captured: building could allocate and compile.
cudaError_t run_plan(const KernelArgs& args, Dtype dtype, cudaStream_t stream) {
  cudnn::CachedPlan* cached = cudnn::plan_cache().find(args, dtype);
  if (cached == nullptr) {
    cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
    if (const cudaError_t error = cudaStreamIsCapturing(stream, &capture); error != cudaSuccess) return error;
    if (capture != cudaStreamCaptureStatusNone) return cudaErrorStreamCaptureUnsupported;
    cached = &cudnn::plan_cache().get(args, dtype);
  }
  if (cached->plan == nullptr) return cudaErrorNotSupported;
  if (cached->plan->workspace_bytes() > 0 && args.workspace == nullptr) return cudaErrorInvalidValue;
  try {
    cudnn::plan_cache().execute(*cached->plan, args, stream);
  } catch (const cudnn::CudnnError&) {
    const cudaError_t cause = cudaPeekAtLastError();
    return cause != cudaSuccess ? cause : cudaErrorLaunchFailure;
  }
  return cudaGetLastError();
}

#else

const char* no_plan(const KernelArgs&, Dtype) { return "built without cuDNN headers (version 9 or later)"; }
std::size_t plan_workspace_bytes(const KernelArgs&, Dtype) { return 0; }
std::string plan_text(const KernelArgs&, Dtype) { return ""; }
cudaError_t run_plan(const KernelArgs&, Dtype, cudaStream_t) { return cudaErrorNotSupported; }

#endif

template <Dtype kDtype, int kHeadDim>
struct CudnnVariant {
  static const char* unsupported(const AttentionArgs& all_args, const DeviceLimits& device) {
    const KernelArgs args(all_args);
    if (device.compute_capability < 80) return "the device's compute capability is too low";
    if (!args.window.hides_nothing() && args.seq_q > args.seq_kv) {
      return "cuDNN has no mask aligned bottom-right for seq_q > seq_kv";
    }
    if (args.scale <= 0)
      return "cuDNN gives NaN for a scale that is not positive";  // seen with 9.19 on an H100
    if (const char* reason = misaligned(args); reason != nullptr) return reason;
    return no_plan(args, kDtype);
  }
  static std::size_t workspace_bytes(const AttentionArgs& args) { return plan_workspace_bytes(args, kDtype); }
  static std::string code_text(const AttentionArgs& args) { return plan_text(args, kDtype); }
  static int launch(const AttentionArgs& args, void* stream) {
    return run_plan(args, kDtype, static_cast<cudaStream_t>(stream));
  }
  // All zero: cuDNN does not report the resources of its kernels.
  static int query_resources(const AttentionArgs&, Resources& resources) {
    resources = Resources{};
    return cudaSuccess;
  }

  static constexpr CompiledKernel kernel() {
    return {.family = "peer_cudnn",
            .summary = "cuDNN's fused attention, engine chosen by its heuristics",
            .spec = {.dtype = kDtype, .head_dim = kHeadDim, .tile = {}},
            .backend = Backend::cuda,
            .role = Role::peer,
            .unsupported = unsupported,
            .workspace_bytes = workspace_bytes,
            .launch = launch,
            .resources = query_resources,
            .code_text = code_text};
  }
};

template <int... kHeadDims>
constexpr auto make_cudnn_table() {
  return std::array{CudnnVariant<Dtype::fp16, kHeadDims>::kernel()...,
                    CudnnVariant<Dtype::bf16, kHeadDims>::kernel()...};
}

}  // namespace

std::span<const CompiledKernel> peer_cudnn_all() {
  static constexpr auto kTable = make_cudnn_table<32, 64, 96, 128, 256>();
  return kTable;
}

}  // namespace flashcore::kernels
